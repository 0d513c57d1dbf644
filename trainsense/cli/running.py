"""What every running command does: check the options, load, run, render, set the exit status."""

from dataclasses import replace
from typing import NoReturn

import typer

from trainsense.cli.options import RunOptions
from trainsense.cli.progress import progress_listener, write_line
from trainsense.cli.request import default_run_dir, request_from
from trainsense.cli.streams import report_stream
from trainsense.records.finding import SEVERITIES
from trainsense.records.report import Report
from trainsense.records.request import Command

INTERRUPTED = 130


def run(command: Command, options: RunOptions, *, factor: float = 10.0, keep_going: bool = False) -> NoReturn:
    """Run one command from what was typed to its exit status.

    Raises:
        typer.Exit: always, with the status of CONTRACT 2.
        CannotRunError: an option is off, the workload cannot be run, or the report cannot be written.
    """
    # Here and not above: `--help` must not wait for what renders.
    from trainsense.cli.rendering import WRITERS, check_format, deliver, parse_outputs, write_output  # noqa: PLC0415

    request = request_from(command, options, factor=factor, keep_going=keep_going)
    check_format(options.format)
    outputs = parse_outputs(options.output or ())
    with report_stream() as stream:
        # Here and not above: `--help` and `explain` must not wait for torch.
        from trainsense.diagnosis import run_diagnosis  # noqa: PLC0415
        from trainsense.workload.load import load  # noqa: PLC0415

        with progress_listener(quiet=options.quiet) as listener:
            if options.jobs > 1:
                listener.warn(f"--jobs {options.jobs} is not used: engine {options.engine!r} runs one trial at a time.")
            loaded = load(options.workload)
            if request.run_dir is None:
                request = replace(request, run_dir=default_run_dir(loaded.name))
            diagnosis = run_diagnosis(loaded, request, listener)
        deliver(lambda out: WRITERS[options.format](diagnosis.report, out), stream)
        for output in outputs:
            write_output(diagnosis.report, output)
        if diagnosis.directory is not None and not options.quiet:
            write_line(f"Kept in {diagnosis.directory}")
    raise typer.Exit(INTERRUPTED if diagnosis.interrupted else finding_status(diagnosis.report, options.fail_on))


def finding_status(report: Report, fail_on: str) -> int:
    """Return 1 if a finding is at or above the severity `fail_on` (`never`: none is), else 0."""
    worst = report.worst()
    failing = SEVERITIES[: SEVERITIES.index(fail_on) + 1] if fail_on in SEVERITIES else ()
    return int(worst in failing)
