"""The document of a report."""

from collections.abc import Iterator

from trainsense.records.report import Report
from trainsense.reporters.document.blocks import Block, Document
from trainsense.reporters.document.checks import checks_section
from trainsense.reporters.document.figures import figures_of
from trainsense.reporters.document.findings import findings_section, plots_of_findings
from trainsense.reporters.document.fixes import fixes_section
from trainsense.reporters.document.layers import layers_section
from trainsense.reporters.document.lr_axis import HEADLINES, lr_axis_section, other_figures_section
from trainsense.reporters.document.provenance import provenance_section
from trainsense.reporters.document.recommendation import recommendation_section
from trainsense.reporters.document.stability import stability_section
from trainsense.reporters.interface import Rendering
from trainsense.reporters.sections.headline import subtitle_text

UNNAMED = "training without a name"


def document_of_report(report: Report, rendering: Rendering) -> Document:
    """Return the report as people read it, the verdict and the recommendation first.

    Args:
        report: the report.
        rendering: where its plots lie: only PNGs inside `rendering.directory` are taken into the document.
    """
    return Document(
        title=report.workload.name or report.workload.source or UNNAMED,
        tone=report.verdict,
        verdict=report.verdict,
        subtitle=subtitle_text(report),
        summary=report.summary,
        blocks=tuple(_blocks(report, rendering)),
    )


def _blocks(report: Report, rendering: Rendering) -> Iterator[Block]:
    """Yield the sections; every figure once: as the headline, with the worst finding that names it, or below."""
    figures = figures_of(report, rendering)
    headline = next((figures[name] for name in HEADLINES if name in figures), None)
    others = {name: figure for name, figure in figures.items() if figure is not headline}
    shown = plots_of_findings(report.findings, others)
    yield from recommendation_section(report)
    if headline is not None:
        yield headline
    yield from findings_section(report, figures, shown)
    yield from lr_axis_section(report, figures)
    yield from fixes_section(report)
    placed = {name for names in shown.values() for name in names}
    yield from other_figures_section([figure for name, figure in others.items() if name not in placed])
    yield from stability_section(report)
    yield from layers_section(report)
    yield from checks_section(report)
    yield from provenance_section(report)
