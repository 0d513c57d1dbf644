"""What went wrong, told on standard error, and its exit status."""

import traceback
from typing import Final

import typer

from trainsense.cli.streams import write_line
from trainsense.errors import CannotRunError, TrainsenseError, UserCodeError

OWN_FAULT: Final = TrainsenseError.exit_status
INTERRUPTED: Final = 130


def report_failure(error: BaseException, *, debug: bool) -> int:
    """Write the error for a person and return the exit status of CONTRACT 2.

    Args:
        error: whatever ended the command, typer's own `SystemExit` included.
        debug: whether to write the full traceback too.
    """
    if isinstance(error, SystemExit):
        hidden = _hidden_by_typer(error)
        if hidden is None:
            return error.code if isinstance(error.code, int) else OWN_FAULT
        error = hidden
    if debug:
        write_line("".join(traceback.format_exception(error)))
    if isinstance(error, KeyboardInterrupt):
        write_line("Interrupted before there was anything to report.")
        return INTERRUPTED
    if isinstance(error, CannotRunError):
        write_line(f"Error: {error}")
        if isinstance(error, UserCodeError) and error.user_traceback:
            write_line(f"\n{error.user_traceback.rstrip()}")
        return error.exit_status
    text = str(error).splitlines()[0] if str(error) else ""
    what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    hint = "a bug" if debug else "a bug; run again with --debug for the traceback"
    write_line(f"trainsense itself failed: {what} ({hint})")
    return OWN_FAULT


def _hidden_by_typer(error: SystemExit) -> BaseException | None:
    """Return what typer turned into an exit of its own: an interruption, or a failure whose status 1 is a finding's."""
    reason = error.__context__
    if isinstance(reason, typer.Exit):
        return reason.__cause__ if isinstance(reason.__cause__, KeyboardInterrupt) else None
    if isinstance(reason, typer.Abort):
        return reason.__cause__ or reason
    return reason if isinstance(reason, OSError) else None
