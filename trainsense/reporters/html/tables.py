"""Tables, each in a box of its own that scrolls where the table is wider than the page."""

from collections.abc import Sequence

from trainsense.reporters.document import Table
from trainsense.reporters.html.limits import Limits
from trainsense.reporters.html.markup import Markup, element
from trainsense.reporters.html.texts import first, limited, text_of


def table_of(table: Table, limits: Limits) -> Markup:
    """Return the table; a first column of words heads its rows."""
    rows, left_out = first(table.rows, limits.rows, "row")
    caption = limited(table.caption, limits)
    head = element(
        "tr", *(_cell("th", text, _is_number(table, at), "col", limits) for at, text in enumerate(table.columns))
    )
    body = (element("tr", *_cells(table, row, limits)) for row in rows)
    parts = (element("caption", caption) if caption else Markup(), element("thead", head), element("tbody", *body))
    named = caption or "Table: " + ", ".join(limited(column, limits) for column in table.columns[:3])
    return Markup.joined(scroll_box(element("table", *parts), named), left_out)


def scroll_box(content: Markup, name: str) -> Markup:
    """Return what may be wider than the page in a box that scrolls, by keyboard too."""
    return element("div", content, class_="scroll", tabindex="0", role="group", aria_label=name)


def _cells(table: Table, row: Sequence[str], limits: Limits) -> list[Markup]:
    headed = bool(table.columns) and not _is_number(table, 0)
    return [
        _cell("th" if headed and at == 0 else "td", text, _is_number(table, at), "row", limits)
        for at, text in enumerate(row)
    ]


def _cell(name: str, text: str, numeric: bool, scope: str, limits: Limits) -> Markup:  # noqa: FBT001
    return element(
        name,
        text_of(text, limits),
        scope=scope if name == "th" else None,
        class_="number" if numeric else None,
    )


def _is_number(table: Table, column: int) -> bool:
    return column < len(table.numeric) and table.numeric[column]
