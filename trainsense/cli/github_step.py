"""What GitHub shows of a step beside its annotations: the summary page and the step's outputs, where a runner asks."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from trainsense.cli.rendering import OutputFile, rendering_of
from trainsense.cli.streams import write_line
from trainsense.records.report import Report, Threshold
from trainsense.reporters.document import Document
from trainsense.reporters.document.of_report import document_of_report
from trainsense.reporters.github.outputs import step_outputs
from trainsense.reporters.github.step_summary import step_summary

SUMMARY: Final = "GITHUB_STEP_SUMMARY"
OUTPUT: Final = "GITHUB_OUTPUT"
FORMAT: Final = "github"
MOST_BYTES: Final = 1 << 20
"""What GitHub takes of one step's summary, whoever wrote it."""


def tell_github(
    report: Report, fail_on: Threshold, directory: Path | None, name: str, outputs: Sequence[OutputFile]
) -> None:
    """Append a report's summary and outputs to the files of GitHub's runner, if the format `github` was asked for.

    Args:
        report: the report.
        fail_on: severity from which a finding fails.
        directory: what its plots are relative to, None where they are not at hand.
        name: the format of standard output.
        outputs: the files beside it.
    """
    if asked_for(name, outputs):
        rendering = rendering_of(fail_on, directory, None)
        append_step(lambda: document_of_report(report, rendering), lambda: step_outputs(report))


def asked_for(name: str, outputs: Sequence[OutputFile]) -> bool:
    """Return whether the format `github` is among what is written."""
    return FORMAT in {name, *(output.format for output in outputs)}


def append_step(document: Callable[[], Document], outputs: Callable[[], str]) -> None:
    """Append to the files that the environment names; one that cannot be written is a warning and no more.

    Args:
        document: makes what people read on the page of the run.
        outputs: makes `name=value` lines for the steps that follow.
    """
    if summary := os.environ.get(SUMMARY):
        _guarded(SUMMARY, lambda: _append_summary(Path(summary), document()))
    if output := os.environ.get(OUTPUT):
        _guarded(OUTPUT, lambda: _append(Path(output), outputs()))


def _guarded(variable: str, append: Callable[[], None]) -> None:
    try:
        append()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        write_line(f"Warning: ${variable} could not be written: {why}. The report is not affected.")


def _append_summary(path: Path, document: Document) -> None:
    """Append as much as GitHub takes: the document, else its first lines."""
    room = MOST_BYTES - (path.stat().st_size if path.exists() else 0) - 1
    for text in (step_summary(document), step_summary(replace(document, blocks=()))):
        if len(text.encode(errors="replace")) <= room:
            _append(path, text)
            return
    write_line(f"Warning: ${SUMMARY} is full: GitHub takes {MOST_BYTES:,} bytes of a step. The summary is left out.")


def _append(path: Path, text: str) -> None:
    """Append UTF-8, on a line of its own."""
    with path.open("ab+") as stream:
        begun = stream.tell() > 0 and stream.seek(-1, os.SEEK_END) is not None and stream.read(1) != b"\n"
        stream.write(("\n" if begun else "").encode() + text.encode(errors="replace"))
