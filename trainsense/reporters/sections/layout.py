"""The pieces that every section is laid out with. No string of a user is ever read as markup."""

import unicodedata
from collections.abc import Iterable
from typing import Final

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

INDENT: Final = 2
LABEL_WIDTH: Final = 9
SEPARATOR: Final = " · "

STYLES: Final = {
    "error": "bold red",
    "warning": "bold yellow",
    "note": "bold blue",
    "unhealthy": "bold red",
    "inconclusive": "bold yellow",
    "healthy": "bold green",
    "verified": "green",
    "rejected": "red",
    "untested": "dim",
}
"""Colours only repeat what the word beside them says."""

SYMBOLS: Final = {
    "error": "✗",
    "warning": "▲",
    "note": "●",
    "unhealthy": "✗",
    "inconclusive": "?",
    "healthy": "✓",
    "verified": "✓",
    "rejected": "✗",
    "untested": "·",
}
"""Shapes by word; `ascii_text` has a stand-in for each."""


def cleaned(text: str) -> str:
    """Return `text` without control and direction characters, which could rewrite a terminal; line breaks stay.

    >>> cleaned("a" + chr(27) + "[31mb" + chr(9) + "c")
    'a[31mb c'
    """
    kept = (" " if char == "\t" else char for char in text)
    return "".join(char for char in kept if char == "\n" or unicodedata.category(char) not in {"Cc", "Cf"})


def text_of(text: str, style: str = "") -> Text:
    """Return a text that wraps, folding words that are longer than the line."""
    return Text(cleaned(text), style=style, overflow="fold")


def word(kind: str, text: str | None = None) -> Text:
    """Return a severity, verdict or status with its symbol, in its colour; `text` replaces the word."""
    return Text(f"{SYMBOLS[kind]} {text or kind}", style=STYLES.get(kind, ""), overflow="fold")


def heading(title: str) -> Text:
    """Return the title of a section, after an empty line."""
    return Text(f"\n{title}", style="bold")


def indented(content: RenderableType, by: int = INDENT) -> Padding:
    """Return `content`, moved to the right."""
    return Padding(content, (0, 0, 0, by))


def labelled(rows: Iterable[tuple[str, Text]], by: int = INDENT) -> Padding:
    """Return rows of a dim label and a text with a hanging indent."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=LABEL_WIDTH)
    grid.add_column(overflow="fold")
    for label, text in rows:
        grid.add_row(Text(label, style="dim"), text)
    return indented(grid, by)
