"""What the stages above the best learning rate came to: instability, clipping, warmup."""

from collections.abc import Iterator

from trainsense.records.report import Report
from trainsense.reporters.document.blocks import Block, Facts, Heading
from trainsense.reporters.sections.stability import stability_rows


def stability_section(report: Report) -> Iterator[Block]:
    """Yield a line for each stage that ran; nothing where none did."""
    if rows := stability_rows(report):
        yield Heading(text="Stability")
        yield Facts(rows=tuple(rows))
