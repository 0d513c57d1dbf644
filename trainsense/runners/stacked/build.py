"""Builds a stack: template, parameters, optimizer and the vectors with one entry per trial."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trainsense.batches import example_count
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench
from trainsense.runners.stacked.first_pass import FirstPass, drew, first_pass
from trainsense.runners.stacked.loss import StackedLoss
from trainsense.runners.stacked.optimizers import read_optimizers
from trainsense.runners.stacked.refusal import UnstackableError
from trainsense.runners.stacked.weights import StackedWeights
from trainsense.workload.schedule import factors
from trainsense.workload.seeding import RandomState


@dataclass(kw_only=True)
class Parts:
    """A stack's model and everything that differs from trial to trial; the last dimension of vectors is the trial's.

    Attributes:
        template: one model, into which single trials are loaded.
        seeds: in order.
        rows: index into `seeds` by trial.
        weights: the trainable parameters.
        loss: evaluates losses of all trials.
        lrs: by parameter group, shape `(steps, trials)`, on the device.
        recorded_lrs: the trial's own lr times its schedule, shape `(steps, all trials)`, in host memory.
        weight_decays: by parameter group, None where all are 0.
        clip: threshold, infinite for none; None if there is none at all.
        wide: dtype of recorded figures.
    """

    template: nn.Module
    seeds: tuple[int, ...]
    rows: Tensor
    weights: StackedWeights
    loss: StackedLoss
    lrs: list[Tensor]
    recorded_lrs: NDArray[np.float64]
    weight_decays: list[Tensor | None]
    clip: Tensor | None
    wide: torch.dtype

    def keep(self, kept: Tensor) -> None:
        """Keep the trials at these indices only."""
        self.rows = self.rows[kept]
        self.weights.keep(kept)
        self.loss.keep(kept)
        self.lrs = [one[:, kept] for one in self.lrs]
        self.weight_decays = [None if one is None else one[kept] for one in self.weight_decays]
        self.clip = None if self.clip is None else self.clip[kept]

    def loaded(self, row: int) -> nn.Module:
        """Return the template with one trial's parameters and buffers in it."""
        self.weights.load(row, dict(self.template.named_parameters()))
        self.loss.load(row)
        return self.template

    def probe_losses(self, bench: Bench) -> Tensor:
        """Return the probe loss of all trials in host memory, shape `(trials,)`."""
        total, weight = torch.zeros((), dtype=self.wide, device=bench.device), 0
        with bench.probing(self.template):
            for batch in bench.probe_batches:
                losses = self.loss.values(bench.evaluated, self.weights.leaves, batch)
                total = total + losses.to(self.wide) * example_count(batch)
                weight += example_count(batch)
        return (total / weight).cpu()

    def check_undrawn(self, state: RandomState) -> None:
        """Raise `UnstackableError` if random numbers were drawn since `state`: those of several seeds would be the same."""
        if drew(state):
            msg = "training draws random numbers, which several seeds cannot share"
            raise UnstackableError(msg)


def built(bench: Bench, trials: Sequence[Trial], *, compiled: bool = False) -> Parts:
    """Return the parts of a stack before its first step; `compiled` for losses that torch compiles.

    Raises:
        UnstackableError: the trials cannot be stacked.
        UserCodeError: the user's code raised.
    """
    seen = first_pass(bench, trials[0])
    seeds = tuple(dict.fromkeys(trial.seed for trial in trials))
    if len(seeds) > 1 and seen.draws:
        msg = "training draws random numbers, which several seeds cannot share"
        raise UnstackableError(msg)
    rows = [seeds.index(trial.seed) for trial in trials]
    edits = trials[0].edits
    models = [bench.fresh_model(seed, edits) for seed in seeds]
    optimizers = [read_optimizers(bench.workload, model, trials) for model in models]
    for seed, model in zip(seeds, models, strict=True):
        bench.initial_loss(seed, model, edits)
    wide = torch.float32 if bench.device.type == "mps" else torch.float64

    def vector(values: object) -> Tensor:
        return torch.tensor(values, dtype=wide, device=bench.device)

    steps = range(trials[0].steps)
    schedules = [factors(bench.workload, trial) for trial in trials]
    schedule = np.array([[factor(step) for factor in schedules] for step in steps])
    groups = optimizers[0].groups
    clips = [trial.clip_norm for trial in trials]
    return Parts(
        template=models[0],
        seeds=seeds,
        rows=torch.tensor(rows, device=bench.device),
        weights=StackedWeights(models, rows, optimizers[0], seen.idle),
        loss=StackedLoss(
            models[0],
            _carried(models, rows, seen),
            draws=seen.draws,
            compiled_for=bench.device if compiled else None,
        ),
        lrs=[vector((schedule * group.lrs).tolist()) for group in groups],
        recorded_lrs=schedule * [trial.lr for trial in trials],
        weight_decays=[vector(group.weight_decays) if any(group.weight_decays) else None for group in groups],
        clip=vector([np.inf if one is None else one for one in clips])
        if any(one is not None for one in clips)
        else None,
        wide=wide,
    )


def _carried(models: Sequence[nn.Module], rows: Sequence[int], seen: FirstPass) -> dict[str, Tensor]:
    """Return what is no trainable parameter and differs between trials, now or later."""
    constants = [
        dict(model.named_buffers()) | {name: one for name, one in model.named_parameters() if not one.requires_grad}
        for model in models
    ]
    carried = {}
    for name, value in constants[0].items():
        if name in seen.changed or any(not torch.equal(value, other[name]) for other in constants[1:]):
            carried[name] = torch.stack([one[name].detach() for one in constants])[list(rows)]
    return carried
