"""What was found, the worst first."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from trainsense.records.finding import SEVERITIES, Finding
from trainsense.records.report import Report
from trainsense.reporters.numbers import evidence_text
from trainsense.reporters.sections.layout import SEPARATOR, heading, indented, labelled, text_of, word


def findings_section(report: Report) -> Iterator[RenderableType]:
    """Yield every finding: its severity and rule, title, detail, numbers, fixes and plots."""
    yield heading("Findings")
    if not report.findings:
        yield indented(text_of("none"))
    ordered = sorted(report.findings, key=lambda finding: SEVERITIES.index(finding.severity))
    for position, finding in enumerate(ordered):
        if position:
            yield Text()
        yield from _finding(finding)


def _finding(finding: Finding) -> Iterator[RenderableType]:
    yield Text.assemble(word(finding.severity), "  ", text_of(finding.rule, "bold"), overflow="fold")
    yield indented(text_of(finding.title, "bold"))
    if finding.detail:
        yield indented(text_of(finding.detail))
    rows = []
    if finding.evidence:
        shown = (f"{name.replace('_', ' ')} {evidence_text(value)}" for name, value in finding.evidence.items())
        rows.append(("measured", text_of(SEPARATOR.join(shown))))
    if finding.fixes:
        rows.append(("fixes", text_of(", ".join(finding.fixes))))
    if finding.plots:
        rows.append(("plots", text_of(", ".join(finding.plots))))
    if rows:
        yield labelled(rows)
