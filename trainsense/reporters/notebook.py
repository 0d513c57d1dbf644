"""Notebook: the text report as HTML, for `_repr_html_`."""

from io import StringIO
from typing import Final

from rich.console import Console

from trainsense.records.report import Report
from trainsense.reporters.text import report_parts

WIDTH: Final = 100
"""Columns: what a notebook's output cell shows without a scroll bar."""

FRAME: Final = (
    '<pre style="white-space: pre; overflow-x: auto; line-height: 1.35; '
    "font-family: Menlo, 'DejaVu Sans Mono', Consolas, 'Courier New', monospace\">{code}</pre>\n"
)


def notebook_html(report: Report) -> str:
    """Return the text report as one `<pre>` element with inline styles; every string of the report is escaped."""
    console = Console(
        record=True,
        file=StringIO(),
        width=WIDTH,
        height=100,
        color_system="truecolor",
        force_terminal=True,
        no_color=False,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    for part in report_parts(report, WIDTH):
        console.print(part)
    return console.export_html(inline_styles=True, code_format=FRAME)
