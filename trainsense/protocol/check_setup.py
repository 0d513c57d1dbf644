"""The first look: is the data finite, does the same seed give the same trace."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from trainsense.batches import dense_parts, tensors_of
from trainsense.errors import TrainsenseError, UserCodeError
from trainsense.probes.finite import non_finite_values
from trainsense.records.evidence import Missing, Setup
from trainsense.records.outcome import Crashed
from trainsense.records.run import Run
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench
from trainsense.runners.sequential import run_trial
from trainsense.workload.seeding import random_state_kept
from trainsense.workload.user_traceback import described

CHECK_STEPS: Final = 12
"""Steps of the two runs that are compared; enough for a few batches and their random numbers."""
SCANNED_BATCHES: Final = 64
"""Training batches whose values are looked at."""
SAME_TRACE: Final = 1e-6
"""Largest relative difference of two losses that still counts as the same trace: kernels may sum in another order."""
CHECK_LR: Final = 1e-4
"""Learning rate of the check where the workload names none: low, so that nothing diverges."""


@dataclass(frozen=True, kw_only=True)
class FirstLook:
    """What the check brings back.

    Attributes:
        setup: the evidence, or why it is missing.
        step_seconds: time of a step of the second run.
        steps: optimizer steps that the check took.
    """

    setup: Setup | Missing
    step_seconds: float
    steps: int


def check_setup(bench: Bench, seed: int) -> FirstLook:
    """Train twice for a few steps from the same seed, reading the data anew.

    Raises:
        UserCodeError: the workload fails within the first steps, whatever the learning rate.
    """
    lr = min(bench.workload.lr or CHECK_LR, CHECK_LR)
    trial = Trial(lr=lr, seed=seed, steps=CHECK_STEPS, evaluate=False)
    first = _run(bench, trial, anew=False)
    second = _run(bench, trial, anew=True)
    return FirstLook(
        setup=_looked_at(bench, seed, first, second),
        step_seconds=bench.ranks.mean(second.seconds) / max(1, len(second.trace)),
        steps=len(first.trace) + len(second.trace),
    )


def _looked_at(bench: Bench, seed: int, first: Run, second: Run) -> Setup | Missing:
    try:
        return _setup(bench, seed, first, second)
    except TrainsenseError:
        raise
    except Exception as error:  # noqa: BLE001 - batches of a kind that no one has thought of keep nobody from training
        reason = f"the workload's batches could not be looked into: {described(error)}"
        return Missing(kind=Setup.__name__, reason=reason, crashed=True)


def _setup(bench: Bench, seed: int, first: Run, second: Run) -> Setup:
    difference = _relative_difference(first, second)
    differs = np.flatnonzero(~(difference <= SAME_TRACE))
    causes = _likely_causes(bench, seed) if differs.size else ()
    return Setup(
        deterministic=differs.size == 0,
        first_difference=int(differs[0]) if differs.size else None,
        difference=float(np.max(difference, initial=0.0)),
        likely_causes=causes,
        only_batches_differ=causes == (BATCHES_DIFFER,),
        batches_scanned=SCANNED_BATCHES,
        non_finite=_scan(bench, seed),
        first_loss=bench.seen.first_loss,
    )


def _run(bench: Bench, trial: Trial, *, anew: bool) -> Run:
    run = run_trial(bench, trial, anew=anew)
    if isinstance(run.outcome, Crashed):
        raise UserCodeError(run.outcome.text, run.outcome.user_traceback)
    return run


def _relative_difference(first: Run, second: Run) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    length = min(len(first.trace), len(second.trace))
    one, two = first.trace.loss[:length], second.trace.loss[:length]
    same = (one == two) | (np.isnan(one) & np.isnan(two))
    scale = np.maximum(np.abs(one), np.abs(two)) + 1e-30
    with np.errstate(invalid="ignore"):
        return np.where(same, 0.0, np.abs(one - two) / scale)


WEIGHTS_DIFFER: Final = (
    "two calls of Workload.model under the same seed gave different weights: it draws from a generator that "
    "torch.manual_seed, numpy.random.seed and random.seed do not reach, or depends on what ran before"
)
BATCHES_DIFFER: Final = (
    "two readings of Workload.data under the same seed gave different batches: it keeps state between calls, shuffles "
    "with a generator of its own, or uses worker processes that are not seeded"
)
LOSSES_DIFFER: Final = (
    "weights and batches are the same, the losses are not: the model or the loss draws random numbers from a generator "
    "of its own, keeps state between calls, or runs kernels that are not deterministic "
    "(torch.use_deterministic_algorithms(True) names them)"
)


def _likely_causes(bench: Bench, seed: int) -> tuple[str, ...]:
    with random_state_kept():
        one, two = bench.fresh_model(seed), bench.fresh_model(seed)
    values = zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    if any(not torch.equal(left, right) for left, right in values if isinstance(left, torch.Tensor)):
        return (WEIGHTS_DIFFER,)
    batches = [bench.replays.fresh(seed).first(CHECK_STEPS) for _ in range(2)]
    if any(not _equal(left, right) for left, right in zip(*batches, strict=True)):
        return (BATCHES_DIFFER,)
    return (LOSSES_DIFFER,)


def _equal(one: Any, two: Any) -> bool:
    pairs = zip(tensors_of(one), tensors_of(two), strict=False)
    return all(_same_parts(dense_parts(left), dense_parts(right)) for (_, left), (_, right) in pairs)


def _same_parts(one: Sequence[Tensor], two: Sequence[Tensor]) -> bool:
    return len(one) == len(two) and all(
        left.shape == right.shape and bool(torch.equal(torch.nan_to_num(left), torch.nan_to_num(right)))
        for left, right in zip(one, two, strict=True)
    )


def _scan(bench: Bench, seed: int) -> tuple[tuple[int, str, int], ...]:
    batches = bench.replays[seed].first(SCANNED_BATCHES)
    found = [(index, path, count) for index, batch in enumerate(batches) for path, count in non_finite_values(batch)]
    for index, batch in enumerate(bench.eval_batches):
        found += [(index, f"eval {path}", count) for path, count in non_finite_values(batch)]
    return tuple(found)
