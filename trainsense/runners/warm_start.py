"""The warm start: a few steps at the user's setting, for measurements to look on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import nn
from torch.optim import Optimizer

from trainsense.errors import UserCodeError
from trainsense.records.evidence import WarmStart
from trainsense.records.outcome import Completed
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench
from trainsense.runners.sequential import Watcher, run_trial

WARM_STEPS: Final = 30
"""Long enough for zero-initialised branches to open and for a bad start to be made good, short against any training."""
CUSTOMARY_LR: Final = {True: 1e-3, False: 1e-2}
"""Where the workload names no learning rate: for optimizers that adapt their steps, and for SGD."""


@dataclass(frozen=True, kw_only=True)
class Warmed:
    """A model after its warm start.

    Attributes:
        record: how it went.
        model: the model, in training mode.
    """

    record: WarmStart
    model: nn.Module


class _Last:
    """Remembers the model that is trained."""

    model: nn.Module | None = None
    steps: int = 0

    def after_backward(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:  # noqa: ARG002
        self.model = model

    def after_update(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:  # noqa: ARG002
        self.steps = step + 1


def warm_start(bench: Bench, seed: int, *, adaptive: bool, watchers: Sequence[Watcher] = ()) -> Warmed:
    """Train the model of `seed` for `WARM_STEPS` steps at the user's learning rate, schedule and clipping.

    Args:
        bench: the workload on its device.
        seed: of weights and batches.
        adaptive: whether the optimizer adapts its steps to the gradient's scale.
        watchers: who looks on.
    """
    lr = bench.workload.lr or CUSTOMARY_LR[adaptive]
    last = _Last()
    trial = Trial(lr=lr, seed=seed, steps=WARM_STEPS, clip_norm=bench.workload.clip_norm, evaluate=False)
    initial = _probe_loss(bench, bench.fresh_model(seed))
    run = run_trial(bench, trial, watchers=(last, *watchers))
    model = bench.fresh_model(seed) if last.model is None else last.model
    model.zero_grad(set_to_none=True)
    finite = all(bool(torch.isfinite(parameter).all()) for parameter in model.parameters())
    loss = _probe_loss(bench, model) if finite else math.nan
    gap = _constant_gap(bench, model) if finite else None
    record = WarmStart(
        lr=lr,
        users=bench.workload.lr is not None,
        steps=last.steps,
        initial_loss=initial,
        loss=loss,
        constant_loss=None if gap is None else loss + gap,
        failed="" if isinstance(run.outcome, Completed) else run.outcome.text,
    )
    return Warmed(record=record, model=model)


def _probe_loss(bench: Bench, model: nn.Module) -> float:
    """Return the loss on the probe set, NaN where the user's code raises on one of its batches."""
    try:
        return bench.probe_loss(model)
    except UserCodeError:
        return math.nan


def _constant_gap(bench: Bench, model: nn.Module) -> float | None:
    """Return the gap to a constant prediction, None where the user's loss takes none: one that differentiates outputs, say."""
    try:
        return bench.constant_gap(model)
    except UserCodeError:
        return None
