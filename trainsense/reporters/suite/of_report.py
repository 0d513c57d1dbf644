"""The suite of a report."""

from trainsense.records.report import Report
from trainsense.reporters.interface import Rendering
from trainsense.reporters.suite.case import Suite


def suite_of_report(report: Report, rendering: Rendering) -> Suite:
    """Return one case for each rule that the report names."""
    raise NotImplementedError
