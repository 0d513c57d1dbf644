"""Progress on standard error: a bar with the time left on a terminal, plain lines elsewhere, nothing if `--quiet`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from trainsense.cli.streams import write_line
from trainsense.records.progress import Listener, Silent


class Quiet(Silent):
    """Tells warnings only."""

    def warn(self, text: str) -> None:
        """Write the warning as a line."""
        write_line(f"Warning: {text}")


class Lines(Quiet):
    """Tells the plan and each stage as plain lines."""

    def plan(self, lines: tuple[str, ...], steps: int) -> None:  # noqa: ARG002 - the plan's lines say it
        """Write the plan."""
        for line in lines:
            write_line(line)

    def stage(self, title: str) -> None:
        """Write the stage's title."""
        write_line(title)


class Bar(Silent):
    """A live bar over the planned optimizer steps."""

    def __init__(self, progress: Progress) -> None:
        """Add the one task to a live `progress`."""
        self._progress = progress
        self._task = progress.add_task("starting", total=None)
        self._total = 0
        self._expected = 0

    def plan(self, lines: tuple[str, ...], steps: int) -> None:
        """Write the plan above the bar and take its length."""
        for line in lines:
            self._progress.console.print(line, markup=False, highlight=False)
        self._total = steps
        self._progress.update(self._task, total=steps or None)

    def stage(self, title: str) -> None:
        """Show the stage beside the bar."""
        self._progress.update(self._task, description=title)

    def started(self, purpose: str, steps: int) -> None:  # noqa: ARG002 - the stage's title is enough beside a bar
        """Take the trial's length."""
        self._expected = steps

    def finished(self, steps: int, text: str) -> None:  # noqa: ARG002 - outcomes are in the report
        """Advance; steps that a trial did not need shorten the rest."""
        self._total -= max(0, self._expected - steps)
        self._expected = 0
        done = self._progress.tasks[0].completed + steps
        self._progress.update(self._task, completed=done, total=max(self._total, done) or None)

    def warn(self, text: str) -> None:
        """Write the warning above the bar."""
        self._progress.console.print(f"Warning: {text}", markup=False, highlight=False)


@contextmanager
def progress_listener(*, quiet: bool) -> Iterator[Listener]:
    """Yield the listener that suits standard error; a bar is gone when the block ends."""
    if quiet:
        yield Quiet()
    elif sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            yield Bar(progress)
    else:
        yield Lines()
