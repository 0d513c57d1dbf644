"""Runs trials one after another, each on all ranks together; rank 0 says which."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

from trainsense.errors import LostRanksError
from trainsense.records.run import Run
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench
from trainsense.runners.sequential import run_trial


class AllRanks:
    """The engine of several ranks, on rank 0; the others `follow`.

    Args:
        bench: the workload on this rank's device.
    """

    width = 1
    pace = 1.0

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def run(self, trials: Sequence[Trial]) -> Iterator[Run]:
        """Yield one run per trial, in order, as rank 0 saw it."""
        for trial in trials:
            self._bench.ranks.from_first(trial)
            yield run_trial(self._bench, trial)

    def close(self) -> None:
        """Send the other ranks home."""
        with suppress(LostRanksError):
            self._bench.ranks.from_first(None)


def follow(bench: Bench) -> None:
    """Train every trial that rank 0 announces, until it announces no more.

    Args:
        bench: the workload on this rank's device.

    Raises:
        LostRanksError: another rank has left.
    """
    while (trial := bench.ranks.from_first(None)) is not None:
        try:
            run_trial(bench, trial)
        except LostRanksError:
            raise
        except (Exception, KeyboardInterrupt):  # noqa: BLE001, S112 - rank 0 knows of it, and says what follows from it
            continue
