"""Tables, each in a box of its own that scrolls where the table is wider than the page."""

from collections.abc import Sequence
from typing import Final

from trainsense.reporters.document import Table
from trainsense.reporters.html.limits import Limits
from trainsense.reporters.html.markup import Markup, element
from trainsense.reporters.html.texts import first, limited, text_of

NUMBER: Final = "number"
SHORT: Final = "short"
WORDS: Final = "words"
MOST_SHORT: Final = 24
"""Characters that stay on one line."""


def table_of(table: Table, limits: Limits) -> Markup:
    """Return the table; a first column of words heads its rows."""
    rows, left_out = first(table.rows, limits.rows, "row")
    kinds = [_kind(table, rows, at) for at in range(max(map(len, (table.columns, *rows))))]
    headed = kinds[:1] not in ([], [NUMBER])
    caption = limited(table.caption, limits)
    parts = (
        element("caption", element("span", caption)) if caption else Markup(),
        element("thead", element("tr", *_cells(table.columns, kinds, limits, heads="col"))),
        element("tbody", *(element("tr", *_cells(row, kinds, limits, heads="row" if headed else "")) for row in rows)),
    )
    named = caption or "Table: " + ", ".join(limited(column, limits) for column in table.columns[:3])
    return Markup.joined(scroll_box(element("table", *parts), named), left_out)


def scroll_box(content: Markup, name: str) -> Markup:
    """Return what may be wider than the page in a box that scrolls, by keyboard too."""
    return element("div", content, class_="scroll", tabindex="0", role="group", aria_label=name)


def _cells(row: Sequence[str], kinds: Sequence[str], limits: Limits, *, heads: str) -> list[Markup]:
    """Return the cells of a row; `heads` says whether all of them head a column (`col`) or the first its row."""
    cells = []
    for at, (text, kind) in enumerate(zip(row, kinds, strict=False)):
        scope = heads if text.strip() and (heads == "col" or at == 0) else ""
        cells.append(element("th" if scope else "td", text_of(text, limits), scope=scope or None, class_=kind))
    return cells


def _kind(table: Table, rows: Sequence[Sequence[str]], column: int) -> str:
    """Return the class of a column's cells: numbers, words that stay on one line, or longer ones that wrap."""
    if column < len(table.numeric) and table.numeric[column]:
        return NUMBER
    return SHORT if all(len(row[column]) <= MOST_SHORT for row in rows if column < len(row)) else WORDS
