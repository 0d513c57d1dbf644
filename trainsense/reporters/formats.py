"""The formats of a report, by name."""

from collections.abc import Mapping
from typing import Final

from trainsense.reporters.document.of_report import document_of_report
from trainsense.reporters.every_format import every_format
from trainsense.reporters.interface import Write
from trainsense.reporters.json import write_json
from trainsense.reporters.suite.of_report import suite_of_report
from trainsense.reporters.text import write_text

FORMATS: Final[Mapping[str, Write]] = every_format(
    text=write_text,
    json=write_json,
    document=document_of_report,
    suite=suite_of_report,
)
