"""The loop that anyone would write, beside which trainsense is checked: nothing of its runner, meter or lab is used.

Only the seeds are drawn as trainsense draws them, so that a seed means the same weights and the same batches here
and there, and scores can be compared one to one.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from statistics import fmean
from typing import Any

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

from trainsense import Workload
from trainsense.workload.seeding import derived_seed, seed_all

GRID = {index: float(f"{10 ** (index / 3):.6g}") for index in range(-24, 7)}
"""Thirds of a decade from 1e-8 to 100."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """What one training came to.

    Attributes:
        score: mean eval loss before the last 10 and 5 % and at the end, or without eval data the mean training loss of
            the last tenth (PROTOCOL 0); infinite if the training left the finite range.
        initial: the fresh model's eval loss, or without eval data the first batch's loss.
        losses: training loss of every step.
        norms: gradient norm of every step before clipping; empty where nothing was clipped.
    """

    score: float
    initial: float
    losses: list[float]
    norms: list[float]


def batches_of(workload: Workload, seed: int, steps: int) -> list[Any]:
    """Read the first `steps` batches of a seed into memory."""
    batches: list[Any] = []
    for number in count():
        seed_all(derived_seed(seed, "data", number))
        for batch in workload.data():
            batches.append(batch)
            if len(batches) == steps:
                return batches
    raise AssertionError


def train(
    workload: Workload,
    lr: float,
    seed: int,
    *,
    steps: int = 300,
    warmup: int = 0,
    clip_norm: float | None = None,
) -> Training:
    """Train once; the workload's own clipping holds where `clip_norm` is None."""
    batches = batches_of(workload, seed, steps)
    held_out = None if workload.eval_data is None else list(workload.eval_data())
    seed_all(derived_seed(seed, "weights"))
    model = workload.model()
    optimizer = workload.optimizer(model, lr)
    own_lrs = [group["lr"] for group in optimizer.param_groups]
    factor = _schedule(workload, steps)
    threshold = workload.clip_norm if clip_norm is None else clip_norm
    initial = math.nan if held_out is None else _held_out_loss(workload, model, held_out)
    evaluations: list[float] = []
    losses: list[float] = []
    norms: list[float] = []
    seed_all(derived_seed(seed, "steps"))
    for step, batch in enumerate(batches):
        if held_out is not None and step in (round(0.9 * steps), round(0.95 * steps)):
            evaluations.append(_held_out_loss(workload, model, held_out))
        for group, own in zip(optimizer.param_groups, own_lrs, strict=True):
            group["lr"] = own * factor(step) * min(1.0, (step + 1) / (warmup + 1))
        optimizer.zero_grad()
        loss = workload.loss(model, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        losses.append(loss.item())
        if threshold is not None:
            norms.append(clip_grad_norm_(model.parameters(), threshold).item())
        optimizer.step()
        if not math.isfinite(losses[-1]):
            return Training(score=math.inf, initial=initial, losses=losses, norms=norms)
    if held_out is None:
        score, initial = fmean(losses[-steps // 10 :]), losses[0]
    else:
        score = fmean([*evaluations, _held_out_loss(workload, model, held_out)])
    score = score if math.isfinite(score) else math.inf
    return Training(score=score, initial=initial, losses=losses, norms=norms)


@torch.no_grad()
def _held_out_loss(workload: Workload, model: nn.Module, batches: Iterable[Any]) -> float:
    model.eval()
    losses = [workload.loss(model, batch).item() for batch in batches]
    model.train()
    return fmean(losses)


def _schedule(workload: Workload, steps: int) -> Callable[[int], float]:
    """Return the workload's schedule, compressed to `steps`."""
    if workload.schedule is None:
        return lambda step: 1.0
    if workload.schedule == "cosine":
        return lambda step: 0.5 * (1 + math.cos(math.pi * step / steps))
    assert not isinstance(workload.schedule, str)
    own, stretch = workload.schedule, max(1.0, (workload.max_train_steps or 0) / steps)
    return lambda step: own(int(step * stretch))
