"""How long a step takes here: the prices of a budget in seconds."""

from collections.abc import Callable
from typing import Final

import numpy as np

from trainsense.records.budget import Prices
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench
from trainsense.runners.sequential import run_trial
from trainsense.workload.seeding import random_state_kept

TIMED_STEPS: Final = 12
"""Steps of one timing."""
TIMED_LR: Final = 1e-4
"""Its learning rate: low, so that nothing diverges."""
FEWEST_TIMINGS: Final = 5
"""Timings behind a price."""
PRICE_QUANTILE: Final = 0.25
"""Of the timings: what the machine does when nothing else keeps it busy."""
TIMED_SECONDS: Final = 0.4
"""Timing goes on for so long, if steps are fast …"""
MOST_TIMED_STEPS: Final = 200
"""… and for so many steps."""
MOST_TIMED_SECONDS: Final = 3.0
"""It stops after so long, if steps are slow."""


def time_steps(bench: Bench, seed: int) -> tuple[Prices, int]:
    """Return what steps, probes, evaluations and trials cost in seconds, and the optimizer steps that it took to know.

    The lower quartile of several short runs: what the machine does when it is not busy with something else. Where it stays
    busy, the lab's deadline keeps the budget.
    """
    clock = bench.ranks.clock
    trial = Trial(lr=TIMED_LR, seed=seed, steps=TIMED_STEPS, evaluate=False)
    with random_state_kept():
        built = _timed(clock, lambda: bench.fresh_model(seed))
    started = clock()
    seconds: list[float] = []
    steps = 0
    while len(seconds) < FEWEST_TIMINGS or (clock() - started < TIMED_SECONDS and steps < MOST_TIMED_STEPS):
        before = clock()
        run = run_trial(bench, trial)
        seconds.append(max(clock() - before - built, 1e-6) / max(1, len(run.trace)))
        steps += max(1, len(run.trace))
        if clock() - started > MOST_TIMED_SECONDS:
            break
    with random_state_kept():
        model = bench.fresh_model(seed)
        probe = _timed(clock, lambda: bench.probe_loss(model))
        ends = _timed(clock, lambda: bench.input_dependence(model))
        evaluation = _timed(clock, lambda: bench.eval_loss(model)) if bench.eval_batches else 0.0
    return Prices(
        step=float(np.quantile(seconds, PRICE_QUANTILE)), probe=probe, evaluation=evaluation, trial=built + ends
    ), steps


def _timed(clock: Callable[[], float], measure: Callable[[], object]) -> float:
    started = clock()
    for _ in range(2):
        measure()
    return (clock() - started) / 2
