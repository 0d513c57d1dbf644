"""What lives in a Ray worker: one bench, and the trials that are trained on it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from trainsense.errors import TrainsenseError
from trainsense.executors.worker import Assignment, Refusal, bench_for, refusal_of
from trainsense.records.run import Run
from trainsense.records.trial import Trial
from trainsense.runners.sequential import run_trial

if TYPE_CHECKING:
    from trainsense.runners.bench import Bench


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A bench stands.

    Args:
        torch: the worker's version of torch.
    """

    torch: str


class Trainer:
    """The actor: it builds its bench once.

    Args:
        assignment: how.
    """

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        self._bench: Bench | None = None

    def prepare(self) -> Ready | Refusal:
        """Build the bench."""
        try:
            self._bench = bench_for(self._assignment)
        except TrainsenseError as error:
            return refusal_of(error)
        return Ready(torch=torch.__version__)

    def train(self, trial: Trial) -> Run | Refusal:
        """Train one trial on it."""
        assert self._bench is not None
        try:
            return run_trial(self._bench, trial)
        except TrainsenseError as error:
            return refusal_of(error)
