"""The first look: is the data finite, does the same seed give the same trace, how fast is a step."""

import statistics
import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch

from trainsense.batches import tensors_of
from trainsense.errors import UserCodeError
from trainsense.probes.finite import non_finite_values
from trainsense.records.budget import Prices
from trainsense.records.evidence import Setup
from trainsense.records.outcome import Crashed
from trainsense.records.run import Run
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench
from trainsense.runners.sequential import run_trial
from trainsense.workload.seeding import random_state_kept

CHECK_STEPS: Final = 12
"""Steps of the two runs that are compared; enough for a few batches and their random numbers."""
SCANNED_BATCHES: Final = 64
"""Training batches whose values are looked at."""
SAME_TRACE: Final = 1e-6
"""Largest relative difference of two losses that still counts as the same trace: kernels may sum in another order."""
TIMED_SECONDS: Final = 0.4
"""Timing goes on for so long, so that a slow first step or a busy moment does not set the price."""
MOST_TIMED_STEPS: Final = 200
FEWEST_TIMINGS: Final = 5
MOST_TIMED_SECONDS: Final = 3.0
CHECK_LR: Final = 1e-4
"""Learning rate of the check where the workload names none: low, so that nothing diverges."""


@dataclass(frozen=True, kw_only=True)
class FirstLook:
    """What the check brings back.

    Attributes:
        setup: the evidence.
        seconds: what a step, a probe, an evaluation and a trial cost, in seconds.
        steps: optimizer steps that the check took.
    """

    setup: Setup
    seconds: Prices
    steps: int


def check_setup(bench: Bench, seed: int) -> FirstLook:
    """Train twice for a few steps from the same seed, reading the data anew, and time a step.

    Raises:
        UserCodeError: the workload fails within the first steps, whatever the learning rate.
    """
    lr = min(bench.workload.lr or CHECK_LR, CHECK_LR)
    trial = Trial(lr=lr, seed=seed, steps=CHECK_STEPS, evaluate=False)
    first = _run(bench, trial, anew=False)
    second = _run(bench, trial, anew=True)
    difference = _relative_difference(first, second)
    differs = np.flatnonzero(~(difference <= SAME_TRACE))
    timed, timed_steps = _prices(bench, trial)
    causes = _likely_causes(bench, seed) if differs.size else ()
    setup = Setup(
        deterministic=differs.size == 0,
        first_difference=int(differs[0]) if differs.size else None,
        difference=float(np.max(difference, initial=0.0)),
        likely_causes=causes,
        only_batches_differ=causes == (BATCHES_DIFFER,),
        batches_scanned=SCANNED_BATCHES,
        non_finite=_scan(bench, seed),
        first_loss=bench.seen.first_loss,
    )
    return FirstLook(setup=setup, seconds=timed, steps=len(first.trace) + len(second.trace) + timed_steps)


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
    return all(
        left.shape == right.shape and bool(torch.equal(torch.nan_to_num(left), torch.nan_to_num(right)))
        for (_, left), (_, right) in pairs
    )


def _scan(bench: Bench, seed: int) -> tuple[tuple[int, str, int], ...]:
    batches = bench.replays[seed].first(SCANNED_BATCHES)
    found = [(index, path, count) for index, batch in enumerate(batches) for path, count in non_finite_values(batch)]
    for index, batch in enumerate(bench.eval_batches):
        found += [(index, f"eval {path}", count) for path, count in non_finite_values(batch)]
    return tuple(found)


def _prices(bench: Bench, trial: Trial) -> tuple[Prices, int]:
    """Time steps, probes and evaluations; the first runs have warmed everything up.

    The median of several short runs, so that a busy moment of the machine does not set the price.
    """
    started = time.perf_counter()
    seconds: list[float] = []
    steps = 0
    while len(seconds) < FEWEST_TIMINGS or (time.perf_counter() - started < TIMED_SECONDS and steps < MOST_TIMED_STEPS):
        before = time.perf_counter()
        run = run_trial(bench, trial)
        seconds.append((time.perf_counter() - before) / max(1, len(run.trace)))
        steps += max(1, len(run.trace))
        if time.perf_counter() - started > MOST_TIMED_SECONDS:
            break
    with random_state_kept():
        building = time.perf_counter()
        model = bench.fresh_model(trial.seed)
        built = time.perf_counter() - building
        probe = _timed(lambda: bench.probe_loss(model))
        ends = _timed(lambda: bench.input_dependence(model))
        evaluation = _timed(lambda: bench.eval_loss(model)) if bench.eval_batches else 0.0
    return Prices(step=statistics.median(seconds), probe=probe, evaluation=evaluation, trial=built + ends), steps


def _timed(measure: Any) -> float:
    started = time.perf_counter()
    for _ in range(2):
        measure()
    return (time.perf_counter() - started) / 2
