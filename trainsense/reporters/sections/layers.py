"""The layers by depth: what runs forward and back through each, before and after the warm start."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from trainsense.records.finding import Finding
from trainsense.records.report import Report
from trainsense.reporters.layer_names import LayerName, findings_by_layer, shown_names
from trainsense.reporters.numbers import lr_text
from trainsense.reporters.sections.layer_columns import Column, columns_of
from trainsense.reporters.sections.layout import INDENT, STYLES, SYMBOLS, heading, indented, labelled, text_of
from trainsense.reporters.shortening import shortened_path

GAP: Final = 2
"""Spaces between columns."""
MOST_ROWS: Final = 24
"""Layers shown; of more, those that a finding names and both ends."""
MOST_NAME: Final = 60
"""Columns of a name at most …"""
NAME_BEFORE: Final = {False: 40, True: 20}
"""… and those that it is given before words are, and before figures are."""

MEANINGS: Final = {
    "gradient": "norm of the gradient over the weight's norm",
    "update": "norm of the step's change over the weight's norm; about 1e-03 is customary",
    "output": "root mean square, before the activation",
    "dead": "share of the units that are zero for every example",
    "saturated": "share of outputs within 5 % of the activation's limits",
}
"""What the columns show, by their title."""


def layers_section(report: Report, width: int) -> Iterator[RenderableType]:
    """Yield the table of layers with its legend; nothing where no layer was looked at.

    Args:
        report: the report.
        width: columns at hand.
    """
    layers = layers_of(report)
    if layers is None:
        return
    names = names_of(layers)
    named = findings_by_layer(report.findings, names)
    columns = columns_of(layers)
    if named:
        columns.append(rules_column(named, len(names)))
    rows = chosen_rows(len(names), list(named))
    yield heading("Layers")
    marks = GAP + 1 if named else 0
    shown = shown_names(names)
    columns, room = _fitted(columns, rows, shown, width - INDENT - marks)
    yield indented(_table(columns, {row: shortened_path(shown[row], room) for row in rows}, named))
    left_out = len(names) - len(rows)
    if left_out:
        yield indented(text_of(f"{left_out} of {len(names)} layers are left out here; the JSON report has all.", "dim"))
    yield Text()
    yield labelled((label, text_of(meaning, "dim")) for label, meaning in layers_legend(columns, layers, named))
    for sentence in layers["blind"]:
        yield indented(text_of(sentence))


def layers_of(report: Report) -> Mapping[str, Any] | None:
    """Return the layers of the stage `preflight`; None where no layer was looked at."""
    layers: Mapping[str, Any] | None = report.stages.get("preflight", {}).get("layers")
    return layers if layers and layers["weights"] and layers["snapshots"] else None


def names_of(layers: Mapping[str, Any]) -> list[LayerName]:
    """Return the names of the weights, by depth."""
    return [LayerName(parameter=weight["parameter"], module=weight["module"]) for weight in layers["weights"]]


def rules_column(named: Mapping[int, Sequence[Finding]], count: int) -> Column:
    """Return the column that names the findings of each of `count` layers."""
    rules = [_rules_text(named.get(index, ())) for index in range(count)]
    return Column(title="finding", step=None, cells=tuple(rules), stays=0, numeric=False)


def chosen_rows(count: int, named: Sequence[int], most: int = MOST_ROWS) -> list[int]:
    """Return which of `count` rows are shown, ascending.

    Args:
        count: how many there are, at least 1.
        named: those that a finding names, the most telling first.
        most: about how many may be shown.

    >>> chosen_rows(100, [50], 4)
    [0, 1, 50, 99]
    """
    if count <= most:
        return list(range(count))
    kept = set(named[: most // 2])
    ends = (end for near in range(count) for end in (near, count - 1 - near))
    for end in ends:
        if len(kept) >= most:
            break
        kept.add(end)
    lonely = {row for row in range(1, count - 1) if {row - 1, row + 1} <= kept}
    return sorted(kept | lonely)


def _fitted(
    columns: Sequence[Column], rows: Sequence[int], names: Sequence[str], width: int
) -> tuple[list[Column], int]:
    """Drop columns until the names have room; return those that stay, and the names' columns."""
    longest = max(cell_len(shortened_path(names[row], MOST_NAME)) for row in rows)
    kept = list(columns)
    for column in sorted(columns, key=lambda one: one.stays):
        room = width - sum(_width(one, rows) + GAP for one in kept)
        if room >= min(longest, NAME_BEFORE[column.numeric]):
            break
        kept.remove(column)
    room = width - sum(_width(column, rows) + GAP for column in kept)
    return kept, max(1, min(room, MOST_NAME))


def _width(column: Column, rows: Sequence[int]) -> int:
    return max(cell_len(text) for text in (*column.heading.split("\n"), *(column.cells[row] for row in rows)))


def _table(columns: Sequence[Column], names: Mapping[int, str], named: Mapping[int, Sequence[Finding]]) -> Table:
    """Return the table of the layers in `names`, by their index."""
    table = Table(box=None, padding=(0, GAP, 0, 0), header_style="dim", pad_edge=False)
    if named:
        table.add_column("", no_wrap=True, width=1)
    table.add_column("layer", no_wrap=True)
    for column in columns:
        table.add_column(column.heading, no_wrap=True, justify="right" if column.numeric else "left")
    before = -1
    for row, name in names.items():
        if row > before + 1:
            gap = Text(f"… {row - before - 1} more", style="dim")
            table.add_row(*([""] if named else []), gap)
        mark = [_mark(named.get(row, ()))] if named else []
        table.add_row(*mark, Text(name), *(Text(column.cells[row]) for column in columns))
        before = row
    return table


def _mark(findings: Sequence[Finding]) -> Text:
    if not findings:
        return Text()
    return Text(SYMBOLS[findings[0].severity], style=STYLES[findings[0].severity])


def _rules_text(findings: Sequence[Finding]) -> str:
    rules = list(dict.fromkeys(finding.rule for finding in findings))
    return "" if not rules else rules[0] if len(rules) == 1 else f"{rules[0]} and {len(rules) - 1} more"


def layers_legend(
    columns: Sequence[Column], layers: Mapping[str, Any], named: Mapping[int, Sequence[Finding]]
) -> list[tuple[str, str]]:
    """Return what the columns show, by title, and what the marks mean of layers that findings name."""
    trained = any(column.step for column in columns)
    counted = f"updates made at lr {lr_text(layers['lr'])}; " if trained else ""
    meanings = [("steps" if trained else "step", f"{counted}step 0 is initialisation")]
    meanings += [(title, MEANINGS[title]) for title in _titles(columns) if title in MEANINGS]
    marks = _marks(named.values())
    if marks:
        meanings.append((marks, "named by a finding above"))
    return meanings


def _titles(columns: Sequence[Column]) -> list[str]:
    return list(dict.fromkeys(column.title for column in columns))


def _marks(findings: Collection[Sequence[Finding]]) -> str:
    return " ".join(dict.fromkeys(SYMBOLS[told[0].severity] for told in findings))
