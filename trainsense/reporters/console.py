"""Text for a terminal, a pipe or a log file: how wide, in colour or not, in which characters."""

import os
import shutil
from collections.abc import Callable, Iterable
from io import StringIO
from typing import Final, TextIO

from rich.console import Console, RenderableType

from trainsense.reporters.ascii_text import encodable

DEFAULT_WIDTH: Final = 80
"""Columns where the stream is no terminal."""


def print_parts(
    parts: Callable[[int], Iterable[RenderableType]],
    stream: TextIO,
    *,
    width: int | None = None,
    color: bool | None = None,
) -> None:
    """Write what `parts` gives for a number of columns; no string in it is read as markup.

    Args:
        parts: what to write, top to bottom, for a console of so many columns.
        stream: where to; what its encoding cannot carry is replaced, column by column.
        width: columns, at least 20; None takes the terminal's, or 80 where there is none.
        color: whether to colour; None colours for a terminal, unless NO_COLOR is set, and where FORCE_COLOR is.
    """
    colored = wants_color(stream) if color is None else color
    buffer = StringIO()
    console = Console(
        file=buffer,
        width=stream_width(stream) if width is None else width,
        height=100,
        color_system="standard" if colored else None,
        force_terminal=colored,
        no_color=not colored,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    for part in parts(console.width):
        console.print(part)
    lines = (line.rstrip() for line in buffer.getvalue().rstrip("\n").split("\n"))
    stream.write(encodable("\n".join(lines) + "\n", getattr(stream, "encoding", None)))


def wants_color(stream: TextIO) -> bool:
    """Say whether to colour what goes to `stream`: no-color.org first, then force-color.org, then the terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "") not in {"", "0"}:
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def stream_width(stream: TextIO) -> int:
    """Return the terminal's columns, or 80 where `stream` is none."""
    if not stream.isatty():
        return DEFAULT_WIDTH
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        columns = shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns
    return columns or DEFAULT_WIDTH
