"""How much of a document a page holds: the first limits that it fits into."""

from dataclasses import dataclass
from typing import Final

MOST_BYTES: Final = 2_000_000
"""Of a page, pictures included."""
MOST_TEXT_BYTES: Final = 1_000_000
"""Of a page without its pictures, so that the most important ones always have room."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What is shown of anything long.

    Args:
        rows: of a table, entries of a list and facts; the first ones.
        characters: of one text, code included.
        blocks: of the document, and of each block that holds others.
    """

    rows: int
    characters: int
    blocks: int


STEPS: Final = (
    Limits(rows=1000, characters=100_000, blocks=5000),
    Limits(rows=200, characters=10_000, blocks=1000),
    Limits(rows=50, characters=2000, blocks=200),
    Limits(rows=10, characters=300, blocks=100),
)
"""Tried in turn: a page is cut no shorter than its size asks for."""


def bytes_of(page: str) -> int:
    """Return the size of a page whatever its encoding: in UTF-8, or with a reference for each character not in ASCII.

    >>> bytes_of("a é")
    8
    """
    return len(page.encode("ascii", "xmlcharrefreplace"))
