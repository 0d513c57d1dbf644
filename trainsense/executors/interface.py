"""`Executor`: something that runs trials."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from trainsense.records.run import Run
from trainsense.records.trial import Trial


class Executor(Protocol):
    """Runs trials and gives each run back as soon as it is done."""

    @property
    def width(self) -> int:
        """Return how many trials it runs at once, at least 1."""

    def run(self, trials: Sequence[Trial]) -> Iterator[Run]:
        """Yield one run per trial, each as soon as it is done, in whatever order."""

    def close(self) -> None:
        """Let go of whatever it holds."""
