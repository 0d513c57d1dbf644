"""The layers by depth, folded: what runs forward and back through each."""

from collections.abc import Iterator

from trainsense.records.report import Report
from trainsense.reporters.document.blocks import Block, Facts, Folded, Heading, Paragraph, Table
from trainsense.reporters.document.figures.layers import MOST_NAME, shown_layers
from trainsense.reporters.layer_names import findings_by_layer, shown_names
from trainsense.reporters.sections.layer_columns import columns_of
from trainsense.reporters.sections.layers import layers_legend, layers_of, names_of, rules_column
from trainsense.reporters.shortening import shortened_path


def layers_section(report: Report) -> Iterator[Block]:
    """Yield the table of layers with its legend; nothing where no layer was looked at."""
    seen = layers_of(report)
    if seen is None:
        return
    names = names_of(seen)
    named = findings_by_layer(report.findings, names)
    columns = columns_of(seen)
    legend = layers_legend(columns, seen, {})
    if named:
        columns.append(rules_column(named, len(names)))
    titles = [shortened_path(name, MOST_NAME) for name in shown_names(names)]
    rows = shown_layers(report, seen)
    table = Table(
        columns=("layer", *(column.heading.replace("\n", ", ") for column in columns)),
        rows=tuple((titles[row], *(column.cells[row] for column in columns)) for row in rows),
        numeric=(False, *(column.numeric for column in columns)),
        caption=""
        if len(rows) == len(names)
        else f"{len(names) - len(rows)} of {len(names)} layers are left out here.",
    )
    blind = (Paragraph(text=sentence) for sentence in seen["blind"])
    yield Heading(text="Layers")
    yield Folded(summary=f"{len(names)} layers by depth", blocks=(table, Facts(rows=tuple(legend)), *blind))
