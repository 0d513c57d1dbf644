"""Text: the comparison for a terminal, a pipe or a log file."""

from collections.abc import Iterator, Sequence
from typing import Final, TextIO

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from trainsense.records.report_comparison import ChangedFinding, Compared, ComparedFigure, ReportComparison
from trainsense.reporters.comparison.lr_strips import lr_strips
from trainsense.reporters.comparison.words import (
    TONES,
    by_change,
    by_severity,
    given,
    in_neither,
    reading_parts,
    reading_text,
    reason_text,
    severity_text,
    side_text,
    title_of,
    worth_a_reason,
)
from trainsense.reporters.console import print_parts
from trainsense.reporters.sections.findings import places_text
from trainsense.reporters.sections.layout import INDENT, STYLES, SYMBOLS, heading, indented, labelled, text_of, word

COLUMNS: Final = ("figure", "BASE", "NEW", "verdict")
GAP: Final = 2
"""Spaces between columns."""


def write_comparison_text(
    comparison: ReportComparison, stream: TextIO, *, width: int | None = None, color: bool | None = None
) -> None:
    """Write the comparison as text; see `write_text`."""
    print_parts(lambda columns: _parts(comparison, columns), stream, width=width, color=color)


def _parts(comparison: ReportComparison, width: int) -> Iterator[RenderableType]:
    verdict = word(TONES[comparison.verdict], comparison.verdict)
    yield Text.assemble(verdict, "  ", text_of(title_of(comparison), "bold"), overflow="fold")
    yield labelled([(name, text_of(side_text(side), "dim")) for name, side in _sides(comparison)], 0)
    yield Text()
    yield text_of(comparison.summary)
    for remark in comparison.remarks:
        yield text_of(remark)
    if comparison.regressions:
        yield heading("Regressions")
        for sentence in comparison.regressions:
            yield _item(sentence)
    yield from _findings(comparison.findings)
    yield from _figures(comparison.figures, width)
    yield from _axes(comparison)


def _sides(comparison: ReportComparison) -> tuple[tuple[str, Compared], ...]:
    return ("BASE", comparison.base), ("NEW", comparison.new)


def _item(sentence: str) -> RenderableType:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    grid.add_row(Text(SYMBOLS["error"], style=STYLES["error"]), text_of(sentence))
    return indented(grid)


def _findings(findings: Sequence[ChangedFinding]) -> Iterator[RenderableType]:
    """Yield the findings by what became of them; of those that are the same the names alone."""
    yield heading("Findings")
    if not findings:
        yield indented(text_of("none in either"))
    for change, changed in by_change(findings):
        yield indented(text_of(change, "bold"))
        if change == "same":
            for severity, names in by_severity(changed):
                yield indented(Text.assemble(word(severity), "  ", text_of(names), overflow="fold"), 2 * INDENT)
        else:
            for finding in changed:
                yield from _finding(finding)


def _finding(finding: ChangedFinding) -> Iterator[RenderableType]:
    kind = word(finding.severity, severity_text(finding))
    yield indented(Text.assemble(kind, "  ", text_of(finding.rule, "bold"), overflow="fold"), 2 * INDENT)
    yield indented(text_of(finding.title), 3 * INDENT)
    if finding.reason:
        yield indented(text_of(finding.reason, "dim"), 3 * INDENT)
    if finding.after is not None and (where := places_text(finding.locations)):
        yield indented(text_of(where, "dim"), 3 * INDENT)


def _figures(figures: Sequence[ComparedFigure], width: int) -> Iterator[RenderableType]:
    """Yield the figures as a table, or as a list where a table does not fit, and why they differ below it."""
    yield heading("Figures")
    shown = given(figures)
    rows = [_cells(figure) for figure in shown]
    columns = zip(COLUMNS, *([cell.plain for cell in cells] for cells in rows), strict=True)
    widths = [max(cell_len(line) for cell in column for line in cell.split("\n")) for column in columns]
    fits = INDENT + sum(widths) + GAP * (len(widths) - 1) <= width
    yield indented(_table(rows)) if fits else _list(shown)
    reasons = [(figure.title, reason_text(figure)) for figure in shown if worth_a_reason(figure)]
    if reasons:
        yield Text()
    for title, reason in reasons:
        yield indented(text_of(f"{title}: {reason}"))
    if absent := in_neither(figures):
        yield indented(text_of(f"in neither: {absent}", "dim"))


def _cells(figure: ComparedFigure) -> tuple[Text, Text, Text, Text]:
    readings = (reading_parts(figure, reading) for reading in (figure.base, figure.new))
    base, new = (
        Text.assemble(value, (f"\n{interval}", "dim") if interval else "", overflow="fold")
        for value, interval in readings
    )
    return text_of(figure.title), base, new, _verdict(figure)


def _verdict(figure: ComparedFigure) -> Text:
    return word("error" if figure.regression else TONES[figure.verdict], figure.verdict)


def _table(rows: Sequence[tuple[Text, ...]]) -> Table:
    grid = Table.grid(padding=(0, GAP, 0, 0))
    for _ in COLUMNS:
        grid.add_column()
    grid.add_row(*(Text(name, style="dim") for name in COLUMNS))
    for cells in rows:
        grid.add_row(*cells)
    return grid


def _list(figures: Sequence[ComparedFigure]) -> Group:
    parts: list[RenderableType] = []
    for figure in figures:
        name = Text.assemble(text_of(figure.title, "bold"), "  ", _verdict(figure), overflow="fold")
        rows = [
            (side, text_of(reading_text(figure, one))) for side, one in (("BASE", figure.base), ("NEW", figure.new))
        ]
        parts.extend((indented(name), labelled(rows, 2 * INDENT)))
    return Group(*parts)


def _axes(comparison: ReportComparison) -> Iterator[RenderableType]:
    strips = lr_strips(comparison)
    if strips is None:
        return
    yield heading("Learning rates tried")
    for line in strips.lines:
        yield indented(Text(line, overflow="fold"))
    yield indented(text_of(strips.legend, "dim"))
