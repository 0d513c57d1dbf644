"""Texts and lists of the document, each no longer than the page's limits allow."""

from collections.abc import Sequence
from typing import Final, TypeVar

from trainsense.reporters.html.limits import Limits
from trainsense.reporters.html.markup import Markup, element, lines

ELSEWHERE: Final = "The JSON report (--format json) holds all."
"""Where what is left out stands."""

Entry = TypeVar("Entry")


def limited(text: str, limits: Limits) -> str:
    """Return the beginning of the text, and how much is left out where that is not all of it.

    >>> limited("abcdef", Limits(rows=1, characters=4, blocks=1))
    'abcd… (2 more characters)'
    """
    over = len(text) - limits.characters
    return text if over <= 0 else f"{text[: limits.characters]}… ({over:,} more characters)"


def text_of(text: str, limits: Limits) -> Markup:
    """Return running text with its line breaks."""
    return lines(limited(text, limits))


def first(entries: Sequence[Entry], most: int, kind: str) -> tuple[Sequence[Entry], Markup]:
    r"""Return the first entries and a line that says how many are left out; it is empty where none is.

    Args:
        entries: of a table, a list or a document.
        most: how many of them are kept.
        kind: what one of them is called.

    >>> first("abc", 2, "row")[1]
    '<p class="left-out">1 of 3 rows is left out here. The JSON report (--format json) holds all.</p>\n'
    """
    over = len(entries) - most
    if over <= 0:
        return entries, Markup()
    said = f"{over:,} of {len(entries):,} {kind}s {'is' if over == 1 else 'are'} left out here. {ELSEWHERE}"
    return entries[:most], element("p", said, class_="left-out")
