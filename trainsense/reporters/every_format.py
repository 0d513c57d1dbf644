"""All formats from the four forms of what is written: what reports and comparisons of reports have in common."""

from collections.abc import Callable, Mapping
from typing import TextIO, TypeVar

from trainsense.reporters.document import Document
from trainsense.reporters.github.commands import write_github
from trainsense.reporters.html import write_html
from trainsense.reporters.interface import Rendering
from trainsense.reporters.junit import write_junit
from trainsense.reporters.markdown import write_markdown
from trainsense.reporters.sarif import write_sarif
from trainsense.reporters.suite import Suite

T = TypeVar("T")


def every_format(
    *,
    text: Callable[[T, TextIO], None],
    json: Callable[[T, TextIO], None],
    document: Callable[[T, Rendering], Document],
    suite: Callable[[T, Rendering], Suite],
) -> Mapping[str, Callable[[T, TextIO, Rendering], None]]:
    """Return the writer of each format, by name: each writes one valid document to the stream and computes nothing.

    Args:
        text: writes for a terminal.
        json: writes JSON.
        document: returns it as people read it.
        suite: returns it as machines count it.
    """
    return {
        "text": lambda one, stream, _: text(one, stream),
        "json": lambda one, stream, _: json(one, stream),
        "markdown": lambda one, stream, told: write_markdown(document(one, told), stream, told.target),
        "junit": lambda one, stream, told: write_junit(suite(one, told), stream),
        "sarif": lambda one, stream, told: write_sarif(suite(one, told), stream),
        "github": lambda one, stream, told: write_github(suite(one, told), stream),
        "html": lambda one, stream, told: write_html(document(one, told), stream),
    }
