"""`Measurement`: one look at the user's model and batches before anyone trains, and what it gets to see."""

import gc
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from torch import Tensor, nn

from trainsense.batches import cloned
from trainsense.probes.work import Work
from trainsense.records.evidence import Evidence, WarmStart
from trainsense.runners.bench import Bench
from trainsense.runners.sequential import Watcher

MANY_PARAMETERS: Final = 100_000
"""A training step of fewer takes a few MB at most."""
UPDATING: Final = 4e-9
"""Seconds that Adam takes for each parameter; copying it takes less."""
RECORDING: Final = 1e-4
"""Seconds that reading the graph of a loss takes for each of its operations: 11 to 180 us, measured on 70 small workloads."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a measurement gets to see.

    Attributes:
        bench: the workload on its device; `bench.survey_batches` are up to 8 training batches, `bench.probe_batches` the
            fixed probe set.
        seed: the seed whose weights are looked at.
        warm_start: how a short training at the user's setting went.
        warmed: the model after it, in training mode; not to be changed.
        seconds: about how long the measurement may take, 100 training steps set aside; told by the work that it is.
        work: what the loss of the first survey batch is made of, None if it raises.
        most_steps: optimizer steps that all measurements may take together, besides the warm start.
    """

    bench: Bench
    seed: int
    warm_start: WarmStart
    warmed: nn.Module
    seconds: float
    work: Work | None = None
    most_steps: float = math.inf

    def repeats(self, seconds: float, *, fewest: int = 0, recorded: bool = False) -> int:
        """Return how often the loss and its gradient may be computed, and an update made: the same in every run.

        Args:
            seconds: about how long it may take.
            fewest: the least to return.
            recorded: whether the graph of each is read, too.
        """
        if self.work is None:
            return fewest
        each = self.work.seconds + UPDATING * self.bench.seen.parameters
        if recorded:
            each += RECORDING * self.work.operations
        return max(fewest, int(seconds / each))

    def free_memory(self) -> None:
        """Give back what earlier graphs hold, which hold each other, where a model is large enough to matter: it takes 0.1 s."""
        if self.bench.seen.parameters > MANY_PARAMETERS:
            gc.collect()

    def fresh_model(self) -> nn.Module:
        """Build the model as it is at initialisation, in training mode, on the device."""
        return self.bench.fresh_model(self.seed)

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """Return the user's loss on a copy of a batch, under their autocast."""
        return self.bench.loss(model, cloned(batch))


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One measurement.

    Args:
        gives: the type of the evidence.
        measure: `(look, watcher) -> evidence`. It may raise whatever the user's model makes it raise: that becomes the
            reason why the evidence is missing. Global generators are put back by the caller; models it must leave alone,
            by working on what `look.fresh_model()` builds and on copies.
        watch: makes what looks on during the warm start, None if nothing needs to.
    """

    gives: type[Evidence]
    measure: Callable[[Look, Any], Evidence]
    watch: Callable[[Bench], Watcher] | None = None
