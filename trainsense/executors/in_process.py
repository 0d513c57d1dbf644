"""Runs trials one after another in this process."""

from collections.abc import Iterator, Sequence

from trainsense.records.run import Run
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench
from trainsense.runners.sequential import run_trial


class InProcess:
    """The sequential engine.

    Args:
        bench: the workload on its device.
    """

    width = 1
    pace = 1.0

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def run(self, trials: Sequence[Trial]) -> Iterator[Run]:
        """Yield one run per trial, in order."""
        for trial in trials:
            yield run_trial(self._bench, trial)

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""
