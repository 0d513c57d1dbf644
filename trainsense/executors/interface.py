"""`Executor`: something that runs trials."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from trainsense.records.run import Run
from trainsense.records.trial import Trial


class Executor(Protocol):
    """Runs trials and gives each run back as soon as it is done."""

    @property
    def width(self) -> int:
        """Return how many trials it takes at once, at least 1."""

    @property
    def pace(self) -> float:
        """Return how many times as fast as one after another it runs many trials, as far as can be counted on."""

    def run(self, trials: Sequence[Trial]) -> Iterator[Run]:
        """Yield one run per trial, each as soon as it is done, in whatever order."""

    def close(self) -> None:
        """Let go of whatever it holds."""
