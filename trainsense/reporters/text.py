"""Text: the report for a terminal, a pipe or a log file."""

from collections.abc import Iterator
from typing import TextIO

from rich.console import RenderableType

from trainsense.records.report import Report
from trainsense.reporters.console import print_parts, wants_color
from trainsense.reporters.sections.closing import closing
from trainsense.reporters.sections.findings import findings_section
from trainsense.reporters.sections.fixes import fixes_section
from trainsense.reporters.sections.headline import headline
from trainsense.reporters.sections.layers import layers_section
from trainsense.reporters.sections.lr_strip import lr_axis_section
from trainsense.reporters.sections.recommendation import recommendation_section
from trainsense.reporters.sections.stability import stability_section

__all__ = ["report_parts", "wants_color", "write_text"]


def write_text(report: Report, stream: TextIO, *, width: int | None = None, color: bool | None = None) -> None:
    """Write the report as text.

    Args:
        report: the report.
        stream: where to; what its encoding cannot carry is replaced, column by column.
        width: columns, at least 20; None takes the terminal's, or 80 where there is none.
        color: whether to colour; None colours for a terminal, unless NO_COLOR is set, and where FORCE_COLOR is.
    """
    print_parts(lambda columns: report_parts(report, columns), stream, width=width, color=color)


def report_parts(report: Report, width: int) -> Iterator[RenderableType]:
    """Yield what the report consists of, top to bottom, for a console of `width` columns."""
    yield from headline(report)
    yield from recommendation_section(report)
    yield from findings_section(report)
    yield from lr_axis_section(report)
    yield from fixes_section(report, width)
    yield from stability_section(report)
    yield from layers_section(report, width)
    yield from closing(report)
