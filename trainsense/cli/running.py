"""What every running command does: check the options, load, run, render, set the exit status."""

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import typer

from trainsense.cli.choice import check_threshold
from trainsense.cli.options import RunOptions
from trainsense.cli.streams import report_stream, write_line
from trainsense.records.request import Command

if TYPE_CHECKING:
    from trainsense.ranks.ranks import Ranks
    from trainsense.workload.load import LoadedWorkload

INTERRUPTED = 130


def run(command: Command, options: RunOptions, *, factor: float = 10.0, keep_going: bool = False) -> NoReturn:
    """Run one command from what was typed to its exit status.

    Raises:
        typer.Exit: always, with the status of CONTRACT 2.
        CannotRunError: an option is off, the workload cannot be run, or the report cannot be written.
    """
    # Here and not above: `--help` must not wait for what judges and renders.
    from trainsense.cli.github_step import tell_github  # noqa: PLC0415
    from trainsense.cli.kept_reports import baseline_of  # noqa: PLC0415
    from trainsense.cli.progress import progress_listener  # noqa: PLC0415
    from trainsense.cli.rendering import check_format, parse_outputs, send, writer_of  # noqa: PLC0415
    from trainsense.cli.request import default_run_dir, request_from  # noqa: PLC0415

    request = request_from(command, options, factor=factor, keep_going=keep_going)
    threshold = check_threshold(options.fail_on)
    check_format(options.format)
    outputs = parse_outputs(options.output or ())
    if options.baseline is not None:
        request = replace(request, baseline=baseline_of(options.baseline))
    with report_stream() as stream:
        # Here and not above: `--help` and `explain` must not wait for torch.
        from trainsense.diagnosis import run_diagnosis  # noqa: PLC0415
        from trainsense.executors.allocator import keep_freed_memory  # noqa: PLC0415
        from trainsense.ranks.joining import joined_after  # noqa: PLC0415
        from trainsense.workload.load import load  # noqa: PLC0415

        def reported(loaded: "LoadedWorkload", ranks: "Ranks") -> int:
            asked = request
            if asked.run_dir is None:
                asked = replace(request, run_dir=default_run_dir(loaded.name))
            with progress_listener(quiet=options.quiet or not ranks.first) as listener:
                diagnosis = run_diagnosis(loaded, asked, listener)
            if ranks.first:
                try:
                    send(writer_of(diagnosis.report, threshold, diagnosis.directory), options.format, outputs, stream)
                finally:
                    tell_github(diagnosis.report, threshold, diagnosis.directory, options.format, outputs)
                if diagnosis.directory is not None and not options.quiet:
                    write_line(f"Kept in {diagnosis.directory}")
            failed = bool(diagnosis.report.failing(threshold))
            return INTERRUPTED if diagnosis.interrupted else int(failed)

        keep_freed_memory()
        with joined_after(lambda: load(options.workload), request.device) as (loaded, ranks):
            status = ranks.same(lambda: reported(loaded, ranks))
    raise typer.Exit(status)
