"""The formats of a comparison, by name."""

from collections.abc import Callable, Mapping
from typing import Final, TextIO

from trainsense.records.report_comparison import ReportComparison
from trainsense.reporters.comparison.document import document_of_comparison
from trainsense.reporters.comparison.json import write_comparison_json
from trainsense.reporters.comparison.suite import suite_of_comparison
from trainsense.reporters.comparison.text import write_comparison_text
from trainsense.reporters.every_format import every_format
from trainsense.reporters.interface import Rendering

WriteComparison = Callable[[ReportComparison, TextIO, Rendering], None]
"""Writes one valid document to the stream; computes nothing."""

COMPARISON_FORMATS: Final[Mapping[str, WriteComparison]] = every_format(
    text=write_comparison_text,
    json=write_comparison_json,
    document=lambda comparison, _: document_of_comparison(comparison),
    suite=suite_of_comparison,
)
