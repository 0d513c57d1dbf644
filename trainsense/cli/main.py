"""The app: its commands in one table, and the one place where an error becomes an exit status."""

import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Annotated

import typer
from typer.main import get_command

import trainsense
from trainsense.cli import (
    check_instability,
    compare,
    config,
    diagnose,
    explain,
    init,
    pick_clip,
    preflight,
    report,
    sweep_lr,
    sweep_warmup,
)
from trainsense.cli.failure import INTERRUPTED, report_failure
from trainsense.cli.ranks import end_alike, leave, silence_followers, voice_for
from trainsense.cli.streams import silence_stdout
from trainsense.errors import TrainsenseError

app = typer.Typer(
    name="trainsense",
    add_completion=True,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for module in (
    preflight,
    sweep_lr,
    check_instability,
    pick_clip,
    sweep_warmup,
    diagnose,
    report,
    compare,
    explain,
    init,
    config,
):
    app.command(module.NAME, help=module.HELP)(module.command)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it with the flag
    if wanted:
        typer.echo(f"trainsense {trainsense.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[  # eager: its callback does the work
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Find out why a PyTorch training is unstable or slow, and try the fix.

    Start with: trainsense diagnose WORKLOAD
    """


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit status; nothing is raised."""
    try:
        get_command(app).main(args=list(arguments), prog_name="trainsense")
    except BaseException as error:  # noqa: BLE001 - the one place: whatever happened becomes a message and a status
        with voice_for(error):
            status = report_failure(error, debug="--debug" in arguments)
        leave(error, status)
        return status
    return 0


def note_interruptions() -> list[int]:
    """Go on turning SIGINT into `KeyboardInterrupt`, and return a list that each of them is put into."""
    seen: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, handle)
    return seen


def main() -> None:
    """Run the command line of this process and exit."""
    interrupted = note_interruptions()
    silence_followers()
    status = run(sys.argv[1:])
    end_alike()
    if status == TrainsenseError.exit_status and interrupted:
        status = INTERRUPTED  # an import that was cut in two fails in ways of its own
    silence_stdout()
    sys.exit(status)
