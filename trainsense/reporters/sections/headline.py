"""The first lines: the verdict on which workload, and what to make of it."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from trainsense.records.report import Report
from trainsense.reporters.sections.layout import SEPARATOR, text_of, word


def headline(report: Report) -> Iterator[RenderableType]:
    """Yield the verdict with the workload's name, what was diagnosed, and the summary."""
    workload = report.workload
    yield Text.assemble(word(report.verdict), "  ", text_of(workload.name, "bold"), overflow="fold")
    facts = (
        workload.source,
        f"{workload.parameters:,} parameters",
        workload.device,
        f"{report.command}, trainsense {report.version}",
    )
    yield text_of(SEPARATOR.join(fact for fact in facts if fact), "dim")
    if report.summary:
        yield Text()
        yield text_of(report.summary)
