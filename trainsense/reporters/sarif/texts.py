"""Strings as code scanning shows them."""

import re
from typing import Final

from trainsense.reporters.sections.layout import cleaned

MOST_NAME: Final = 255
MOST_DESCRIPTION: Final = 1024
"""GitHub's limits, in characters."""
SURROGATES: Final = re.compile("[\ud800-\udfff]")


def plain(text: str) -> str:
    """Return a text without control characters and without links: `[text](target)` is one in SARIF (3.11.6).

    >>> plain("see [here](https://example.org)")
    'see [here] (https://example.org)'
    """
    return SURROGATES.sub("\ufffd", cleaned(text)).replace("](", "] (")


def one_line(text: str, most: int = MOST_NAME) -> str:
    """Return a text on one line of at most `most` characters."""
    line = " ".join(plain(text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def described(text: str) -> str:
    """Return a text within GitHub's limit for descriptions."""
    shown = plain(text).strip()
    return shown if len(shown) <= MOST_DESCRIPTION else f"{shown[: MOST_DESCRIPTION - 1]}…"
