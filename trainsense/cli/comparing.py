"""Two saved reports on their way to one comparison: no torch, nothing run."""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, TextIO

import typer

import trainsense
from trainsense.cli.github_step import append_step, asked_for
from trainsense.cli.kept_reports import kept_report
from trainsense.cli.rendering import WriteFormat, check_format, parse_outputs, rendering_of, send
from trainsense.cli.streams import report_stream
from trainsense.compare import compare_reports
from trainsense.errors import OptionError
from trainsense.records.report_comparison import ReportComparison
from trainsense.reporters.comparison import COMPARISON_FORMATS
from trainsense.reporters.comparison.document import document_of_comparison
from trainsense.reporters.comparison.step_outputs import comparison_outputs


def compare_kept(
    base: str | None, new: str | None, name: str, outputs: Sequence[str], *, fail_on_regression: bool
) -> NoReturn:
    """Compare two kept runs.

    Args:
        base: a run directory, a file, or a workload's name: what is measured against.
        new: likewise: what is judged.
        name: the format for standard output.
        outputs: `FORMAT=PATH` each.
        fail_on_regression: whether a regression makes the status 1.

    Raises:
        typer.Exit: always, with the status of CONTRACT 2.
        CannotRunError: there is no such run, an option is off, or the comparison cannot be written.
    """
    if base is None or new is None:
        msg = "Which reports? Name two: a run directory, a report.json or a workload's name each: trainsense compare BASE NEW."
        raise OptionError(msg)
    check_format(name)
    targets = parse_outputs(outputs)
    before, after = kept_report(base), kept_report(new)
    comparison = compare_reports(
        before.report,
        after.report,
        version=trainsense.__version__,
        base_source=before.source,
        new_source=after.source,
    )
    with report_stream() as stream:
        try:
            send(_writer_of(comparison), name, targets, stream)
        finally:
            if asked_for(name, targets):
                append_step(lambda: document_of_comparison(comparison), lambda: comparison_outputs(comparison))
    raise typer.Exit(int(fail_on_regression and bool(comparison.regressions)))


def _writer_of(comparison: ReportComparison) -> WriteFormat:
    def write(name: str, stream: TextIO, target: Path | None) -> None:
        COMPARISON_FORMATS[name](comparison, stream, rendering_of("error", None, target))

    return write
