"""When, on what and with what the report was made, and what it cost."""

from collections.abc import Iterator
from typing import Final

from trainsense.records.report import Report
from trainsense.reporters.document.blocks import Block, Facts, Folded, Heading, Paragraph
from trainsense.reporters.sections.closing import cost_text

FINGERPRINT_DIGITS: Final = 12
"""Digits of a content hash that tell one from the next."""


def provenance_section(report: Report) -> Iterator[Block]:
    """Yield where the report comes from, folded, and its cost."""
    rows = tuple((name, text) for name, text in _facts(report) if text)
    yield Heading(text="Provenance")
    yield Folded(summary="When, on what and with what this report was made", blocks=(Facts(rows=rows),))
    yield Paragraph(text=cost_text(report), quiet=True)


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    workload, made = report.workload, report.provenance
    yield "trainsense", report.version
    yield "command", report.command
    yield "workload", workload.source
    yield "fingerprint", workload.fingerprint[:FINGERPRINT_DIGITS]
    yield "parameters", f"{workload.parameters:,}"
    yield "device", workload.device
    if made is not None:
        yield "started", made.started
        yield "seed", str(made.seed)
        yield "budget", made.budget
        yield "python", made.python
        yield "torch", made.torch
        yield "platform", made.platform
    if report.baseline is not None:
        yield "baseline", report.baseline.source
