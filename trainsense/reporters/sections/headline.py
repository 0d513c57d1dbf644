"""The first lines: the verdict on which workload, and what to make of it."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from trainsense.records.report import Report
from trainsense.reporters.sections.layout import SEPARATOR, text_of, word


def headline(report: Report) -> Iterator[RenderableType]:
    """Yield the verdict with the workload's name, what was diagnosed, and the summary."""
    yield Text.assemble(word(report.verdict), "  ", text_of(report.workload.name, "bold"), overflow="fold")
    yield text_of(subtitle_text(report), "dim")
    if report.summary:
        yield Text()
        yield text_of(report.summary)
    if news := new_findings_text(report):
        yield text_of(news)


def subtitle_text(report: Report) -> str:
    """Return what was diagnosed, on what and with which command, on one line."""
    workload = report.workload
    facts = (
        workload.source,
        f"{workload.parameters:,} parameters",
        workload.device,
        f"{report.command}, trainsense {report.version}",
    )
    return SEPARATOR.join(fact for fact in facts if fact)


def new_findings_text(report: Report) -> str:
    """Return how many findings the baseline does not have; empty without a baseline."""
    if report.baseline is None:
        return ""
    new = sum(not report.known(finding) for finding in report.findings)
    return f"New findings: {new} of {len(report.findings)} (baseline {report.baseline.source})."
