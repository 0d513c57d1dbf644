"""The formats of a comparison, by name."""

from collections.abc import Callable, Mapping
from typing import Final, TextIO

from trainsense.records.report_comparison import ReportComparison
from trainsense.reporters.comparison.document import document_of_comparison
from trainsense.reporters.comparison.json import write_comparison_json
from trainsense.reporters.comparison.suite import suite_of_comparison
from trainsense.reporters.comparison.text import write_comparison_text
from trainsense.reporters.github.commands import write_github
from trainsense.reporters.html import write_html
from trainsense.reporters.interface import Rendering
from trainsense.reporters.junit import write_junit
from trainsense.reporters.markdown import write_markdown
from trainsense.reporters.sarif import write_sarif

WriteComparison = Callable[[ReportComparison, TextIO, Rendering], None]
"""Writes one valid document to the stream; computes nothing."""


def _text(comparison: ReportComparison, stream: TextIO, rendering: Rendering) -> None:  # noqa: ARG001 - what all are given
    write_comparison_text(comparison, stream)


def _json(comparison: ReportComparison, stream: TextIO, rendering: Rendering) -> None:  # noqa: ARG001
    write_comparison_json(comparison, stream)


def _markdown(comparison: ReportComparison, stream: TextIO, rendering: Rendering) -> None:
    write_markdown(document_of_comparison(comparison), stream, rendering.target)


def _html(comparison: ReportComparison, stream: TextIO, rendering: Rendering) -> None:  # noqa: ARG001
    write_html(document_of_comparison(comparison), stream)


def _junit(comparison: ReportComparison, stream: TextIO, rendering: Rendering) -> None:
    write_junit(suite_of_comparison(comparison, rendering), stream)


def _sarif(comparison: ReportComparison, stream: TextIO, rendering: Rendering) -> None:
    write_sarif(suite_of_comparison(comparison, rendering), stream)


def _github(comparison: ReportComparison, stream: TextIO, rendering: Rendering) -> None:
    write_github(suite_of_comparison(comparison, rendering), stream)


COMPARISON_FORMATS: Final[Mapping[str, WriteComparison]] = {
    "text": _text,
    "json": _json,
    "markdown": _markdown,
    "junit": _junit,
    "sarif": _sarif,
    "github": _github,
    "html": _html,
}
