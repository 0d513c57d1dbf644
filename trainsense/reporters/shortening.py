"""Texts of the user's that must stay on one line, shortened in the middle."""

import re
from collections.abc import Iterable
from typing import Final

from rich.cells import cell_len

from trainsense.reporters.sections.layout import cleaned

MOST_CHARACTERS: Final = 400
"""Longer texts are shortened whatever their width: characters may have none."""
LEFT_OUT: Final = re.compile(r"\.{2,}")
"""Names left out of a path, one after the other: two dots, which no path of a module holds and every terminal shows."""


def shortened(text: str, columns: int) -> str:
    """Return `text` on one line of at most `columns` columns, its middle left out where it is longer.

    Args:
        text: any text; it is cleaned first.
        columns: at least 1.

    >>> shortened("encoder.layers.11.attention", 15)
    'encoder…tention'
    """
    line = _one_line(text)
    if len(line) <= MOST_CHARACTERS and cell_len(line) <= columns:
        return line
    room, near = columns - 1, min(len(line), MOST_CHARACTERS)
    start = _widest((line[:count] for count in range(near)), (room + 1) // 2)
    end = _widest((line[len(line) - count :] for count in range(near)), room - cell_len(start))
    return f"{start}…{end}"


def shortened_path(path: str, columns: int) -> str:
    """Return the path of a module on one line of at most `columns` columns, its middle left out where it is longer.

    Numbers and the last name stay as long as they can: they tell one layer from the next.

    Args:
        path: names with dots between them; anything else is cut like any text.
        columns: at least 1.

    >>> shortened_path("encoder.layers.11.attention.out_proj", 30)
    'encoder..11.attention.out_proj'
    """
    line = _one_line(path)
    names = line.split(".") if len(line) <= MOST_CHARACTERS else []
    words = [index for index in range(1, len(names) - 1) if not names[index].isdecimal()]
    for dropped in range(len(words) + 1):
        left_out = set(words[:dropped])
        kept = ("" if index in left_out else name for index, name in enumerate(names))
        told = LEFT_OUT.sub("..", ".".join(kept))
        if names and cell_len(told) <= columns:
            return told
    return shortened(line, columns)


def _one_line(text: str) -> str:
    return " ".join(cleaned(text).splitlines())


def _widest(growing: Iterable[str], columns: int) -> str:
    """Return the last of the texts, each longer than the one before, that is not wider than `columns`."""
    widest = ""
    for text in growing:
        if cell_len(text) > columns:
            break
        widest = text
    return widest
