"""The learning rates tried, as a line of characters, and the figures that belong to no finding."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from trainsense.records.report import Report
from trainsense.reporters.document.blocks import Block, Code, Figure, Folded, Heading, Paragraph
from trainsense.reporters.document.figures.lr_axis import lr_trials
from trainsense.reporters.sections.lr_strip import lr_strip

HEADLINES: Final = ("lr-axis-with-fix", "lr-axis")
"""The plot that stands at the top: the first of these that the report has."""


def lr_axis_section(report: Report, figures: Collection[str]) -> Iterator[Block]:
    """Yield the axis with what was read from it; its numbers too where no figure has them."""
    strip = lr_strip(report)
    if strip is None:
        return
    yield Heading(text="Learning rates tried")
    yield Code(text="\n".join(strip.lines), language="")
    yield Paragraph(text=strip.legend, quiet=True)
    yield Paragraph(text=strip.figures)
    numbers = lr_trials(report)
    if "lr-axis" not in figures and numbers is not None:
        yield Folded(summary="Every trial of the sweep", blocks=(numbers,))


def other_figures_section(figures: Sequence[Figure]) -> Iterator[Block]:
    """Yield the figures that stand nowhere else."""
    if figures:
        yield Heading(text="Figures")
        yield from figures
