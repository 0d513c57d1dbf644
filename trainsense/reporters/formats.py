"""The formats of a report, by name."""

from collections.abc import Mapping
from typing import Final, TextIO

from trainsense.records.report import Report
from trainsense.reporters.document.of_report import document_of_report
from trainsense.reporters.github.commands import write_github
from trainsense.reporters.html import write_html
from trainsense.reporters.interface import Rendering, Write
from trainsense.reporters.json import write_json
from trainsense.reporters.junit import write_junit
from trainsense.reporters.markdown import write_markdown
from trainsense.reporters.sarif import write_sarif
from trainsense.reporters.suite.of_report import suite_of_report
from trainsense.reporters.text import write_text


def _text(report: Report, stream: TextIO, rendering: Rendering) -> None:  # noqa: ARG001 - what all formats are given
    write_text(report, stream)


def _json(report: Report, stream: TextIO, rendering: Rendering) -> None:  # noqa: ARG001
    write_json(report, stream)


def _markdown(report: Report, stream: TextIO, rendering: Rendering) -> None:
    write_markdown(document_of_report(report, rendering), stream, rendering.target)


def _html(report: Report, stream: TextIO, rendering: Rendering) -> None:
    write_html(document_of_report(report, rendering), stream)


def _junit(report: Report, stream: TextIO, rendering: Rendering) -> None:
    write_junit(suite_of_report(report, rendering), stream)


def _sarif(report: Report, stream: TextIO, rendering: Rendering) -> None:
    write_sarif(suite_of_report(report, rendering), stream)


def _github(report: Report, stream: TextIO, rendering: Rendering) -> None:
    write_github(suite_of_report(report, rendering), stream)


FORMATS: Final[Mapping[str, Write]] = {
    "text": _text,
    "json": _json,
    "markdown": _markdown,
    "junit": _junit,
    "sarif": _sarif,
    "github": _github,
    "html": _html,
}
