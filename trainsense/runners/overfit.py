"""Learning one batch by heart: short trainings on a single batch, stopped as soon as it clearly works."""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch
from torch import nn
from torch.optim import Adam, Optimizer

from trainsense.batches import cloned, example_count
from trainsense.probes.inputs import constant_gaps, shuffle_gap
from trainsense.probes.modes import probe_mode
from trainsense.records.evidence import OverfitAttempt
from trainsense.runners.bench import Bench

LEARNT: Final = 0.1
"""Share of a constant prediction's loss by which a batch is clearly learnt."""
FALLING: Final = 0.01
"""Share of the loss by which its last third must lie below the one before to be called falling."""
TREND: Final = 0.4
"""Correlation of loss and step over the last third: noise of 66 steps reaches it once in 2,000 times, a fall hardly misses it."""
STEADY: Final = 0.3
"""Fall of the last third over that of the first: large targets are approached at a steady pace, a constant is not."""
CHECK_EVERY: Final = 10


def overfit(
    bench: Bench, model: nn.Module, batch: Any, make: Callable[[nn.Module, float], Optimizer], lr: float, steps: int
) -> OverfitAttempt:
    """Train `model` on one batch until it has clearly learnt it, for at most so many steps.

    Args:
        bench: the workload on its device.
        model: a fresh model of one's own, in training mode.
        batch: the batch, on the device.
        make: makes the optimizer.
        lr: the learning rate.
        steps: the most it may take.
    """
    optimizer = make(model, lr)
    initial = batch_loss(bench, model, batch)
    losses: list[float] = []
    failed, gap, loss = "", None, initial
    while len(losses) < steps:
        value = bench.loss(model, cloned(batch))
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(value.detach()))
        if not math.isfinite(losses[-1]):
            failed = f"the loss was {losses[-1]} at step {len(losses) - 1}"
            break
        if len(losses) % CHECK_EVERY == 0:
            loss, gap = batch_loss(bench, model, batch), learnt_gap(bench, model, batch)
            if is_learnt(initial, loss, gap):
                break
    if not failed:
        loss, gap = batch_loss(bench, model, batch), learnt_gap(bench, model, batch)
    return OverfitAttempt(
        optimizer="Adam" if make is adam else "yours",
        lr=lr,
        steps=len(losses),
        initial_loss=initial,
        loss=loss,
        gap=gap,
        falling=_is_falling(losses),
        learnt=not failed and is_learnt(initial, loss, gap),
        failed=failed,
    )


def adam(model: nn.Module, lr: float) -> Optimizer:
    """Make an Adam over everything that is trained."""
    return Adam([one for one in model.parameters() if one.requires_grad], lr=lr)


def batch_loss(bench: Bench, model: nn.Module, batch: Any) -> float:
    """Return the loss on a batch, dropout off, normalisation by batch statistics."""
    with probe_mode(model, example_count(batch), gradient=bench.seen.needs_gradient):
        return float(bench.loss(model, cloned(batch)).detach())


def learnt_gap(bench: Bench, model: nn.Module, batch: Any) -> float | None:
    """Return by how much constant outputs are worse than the model's on a batch; None if they cannot be replaced.

    Where the loss is computed inside the model, by how much permuted inputs are worse.
    """
    with probe_mode(model, example_count(batch), gradient=bench.seen.needs_gradient):

        def loss(one: Any) -> torch.Tensor:
            return bench.loss(model, cloned(one))

        try:
            constant = constant_gaps(model, loss, [batch])[0]
            permuted = shuffle_gap(model, loss, [batch])
        except Exception:  # noqa: BLE001 - a loss that outputs without a graph do not suit
            return None
    if constant is None or not math.isfinite(constant):
        return None
    if constant != 0.0:
        return constant
    return None if permuted is None else max(constant, permuted)


def is_learnt(initial: float, loss: float, gap: float | None) -> bool:
    """Return whether a batch is clearly learnt: well below what a constant prediction gives, or below the initial loss."""
    if gap is None:
        return loss < initial - LEARNT * abs(initial)
    return gap > LEARNT * abs(loss + gap)


def _is_falling(losses: list[float]) -> bool:
    """Return whether the last third fell on: by a share of the loss, or about as fast as the first third."""
    third = len(losses) // 3
    if third < 3:
        return True
    last = np.asarray(losses[-third:])
    if np.ptp(last) == 0 or np.corrcoef(last, np.arange(third))[0, 1] > -TREND:
        return False
    drop = float(np.median(losses[-2 * third : -third]) - np.median(last))
    first, end = _fall(np.asarray(losses[:third])), _fall(last)
    return drop > FALLING * abs(losses[-1]) or end > STEADY * first > 0


def _fall(losses: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    part = max(1, len(losses) // 5)
    return float(np.median(losses[:part]) - np.median(losses[-part:]))
