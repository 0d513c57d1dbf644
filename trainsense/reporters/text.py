"""Text: the report for a terminal, a pipe or a log file."""

import os
import shutil
from collections.abc import Iterator
from io import StringIO
from typing import Final, TextIO

from rich.console import Console, RenderableType

from trainsense.records.report import Report
from trainsense.reporters.ascii_text import encodable
from trainsense.reporters.sections.closing import closing
from trainsense.reporters.sections.findings import findings_section
from trainsense.reporters.sections.fixes import fixes_section
from trainsense.reporters.sections.headline import headline
from trainsense.reporters.sections.layers import layers_section
from trainsense.reporters.sections.lr_strip import lr_axis_section
from trainsense.reporters.sections.recommendation import recommendation_section
from trainsense.reporters.sections.stability import stability_section

DEFAULT_WIDTH: Final = 80
"""Columns where the stream is no terminal."""


def write_text(report: Report, stream: TextIO, *, width: int | None = None, color: bool | None = None) -> None:
    """Write the report as text.

    Args:
        report: the report.
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
    for part in report_parts(report, console.width):
        console.print(part)
    lines = (line.rstrip() for line in buffer.getvalue().rstrip("\n").split("\n"))
    stream.write(encodable("\n".join(lines) + "\n", getattr(stream, "encoding", None)))


def report_parts(report: Report, width: int) -> Iterator[RenderableType]:
    """Yield what the report consists of, top to bottom, for a console of `width` columns."""
    yield from headline(report)
    yield from recommendation_section(report)
    yield from findings_section(report)
    yield from lr_axis_section(report)
    yield from fixes_section(report, width)
    yield from stability_section(report)
    yield from layers_section(report, width)
    yield from closing(report)


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
