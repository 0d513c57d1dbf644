"""How much of a document a page holds: the first limits that it fits into."""

from dataclasses import dataclass, fields, is_dataclass
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


def characters_of(part: object, limits: Limits) -> int:
    """Return at least how many characters a page holds of a part of a document, without writing it.

    >>> characters_of(("abc", ("de", "f")), Limits(rows=2, characters=2, blocks=2))
    5
    """
    if isinstance(part, str):
        return min(len(part), limits.characters)
    if isinstance(part, tuple):
        return sum(characters_of(entry, limits) for entry in part[: min(limits.rows, limits.blocks)])
    if is_dataclass(part):
        return sum(characters_of(getattr(part, field.name), limits) for field in fields(part))
    return 0
