"""The document of a report."""

from trainsense.records.report import Report
from trainsense.reporters.document.blocks import Document
from trainsense.reporters.interface import Rendering


def document_of_report(report: Report, rendering: Rendering) -> Document:
    """Return the report as people read it, the verdict and the recommendation first."""
    raise NotImplementedError
