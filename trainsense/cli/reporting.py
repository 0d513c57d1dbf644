"""Saved reports on their way to standard output and into files: no torch, nothing computed."""

from collections.abc import Sequence
from importlib.resources import files
from typing import NoReturn

import typer

from trainsense.cli.choice import check_threshold
from trainsense.cli.github_step import tell_github
from trainsense.cli.kept_reports import kept_report
from trainsense.cli.rendering import check_format, parse_outputs, send, writer_of
from trainsense.cli.streams import deliver, report_stream
from trainsense.errors import OptionError


def report_again(run: str | None, name: str, outputs: Sequence[str], fail_on: str) -> NoReturn:
    """Render a kept run and exit as the command did that made it.

    Args:
        run: a run directory, a file, or a workload's name.
        name: the format for standard output.
        outputs: `FORMAT=PATH` each.
        fail_on: severity from which a finding fails.

    Raises:
        typer.Exit: always, with the status of CONTRACT 2.
        CannotRunError: there is no such run, an option is off, or the report cannot be written.
    """
    if run is None:
        msg = "Which run? Name a run directory, a report.json or a workload's name: trainsense report RUN."
        raise OptionError(msg)
    check_format(name)
    threshold = check_threshold(fail_on)
    targets = parse_outputs(outputs)
    kept = kept_report(run)
    with report_stream() as stream:
        try:
            send(writer_of(kept.report, threshold, kept.directory), name, targets, stream)
        finally:
            tell_github(kept.report, threshold, kept.directory, name, targets)
    raise typer.Exit(int(bool(kept.report.failing(threshold))))


def print_schema(file: str) -> NoReturn:
    """Print one of the package's JSON Schemas.

    Raises:
        typer.Exit: always.
    """
    text = files("trainsense.reporters").joinpath(file).read_text(encoding="utf-8")
    with report_stream() as stream:
        deliver(lambda out: out.write(text), stream)
    raise typer.Exit(0)
