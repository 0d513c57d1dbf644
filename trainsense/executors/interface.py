"""`Executor`: something that runs trials."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from trainsense.records.run import Run
from trainsense.records.trial import Trial


class Executor(Protocol):
    """Runs trials and gives each run back as soon as it is done."""

    def run(self, trials: Sequence[Trial]) -> Iterator[Run]:
        """Yield one run per trial, in order."""
