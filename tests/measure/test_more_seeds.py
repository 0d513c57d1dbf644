"""Which learning rates deserve more seeds."""

from collections.abc import Sequence

import numpy as np

from tests.measure.synthetic import run
from trainsense.measure.more_seeds import worth_more_seeds
from trainsense.measure.sweep import assemble
from trainsense.records.evidence import LearningRateSweep

STEPS, LEAST = 100, 0.01


def axis(*scores: Sequence[float]) -> LearningRateSweep:
    """Assemble a sweep from scores by lr (0.1, 0.2, …) and seed, of runs that start at 2."""
    runs = {}
    for index, several in enumerate(scores, start=1):
        lr = 0.1 * index
        curves = [score + (2.0 - score) * np.exp(-np.arange(STEPS) / 10) for score in several]
        runs[lr] = [
            run(curve, lr=lr, seed=seed, score=score, initial_loss=2.0)
            for seed, (curve, score) in enumerate(zip(curves, several, strict=True))
        ]
    return assemble(runs, horizon=STEPS, bracket=None, stop_loss=None, prefixes_count=True)


def test_seeds_that_agree() -> None:
    """What is worse by ten times what seeds differ by stays as it is; what is as good cannot win much."""
    assert worth_more_seeds(axis([1.05], [1.0, 1.005, 0.995], [1.001]), LEAST) == []


def test_seeds_that_differ() -> None:
    """The best may have been lucky: the most promising of the others is asked first."""
    assert worth_more_seeds(axis([1.2], [1.0, 1.2, 1.1], [1.1], [1.9]), LEAST) == [0.1 * 3]


def test_a_seed_that_is_hard_everywhere() -> None:
    """Two points that go up and down together say so: a third that is clearly worse on the first seed is worse."""
    together = [1.0, 1.3, 1.1], [1.02, 1.32, 1.12]
    assert worth_more_seeds(axis(*together, [1.2]), LEAST) == []
    apart = [1.0, 1.3, 1.1], [1.2, 1.1, 1.3]
    assert worth_more_seeds(axis(*apart, [1.1]), LEAST) == [0.1 * 3]


def test_one_seed_says_nothing_of_noise() -> None:
    """Nor does a run that learnt nothing."""
    assert worth_more_seeds(axis([1.1], [1.0], [1.1]), LEAST) == []
    assert worth_more_seeds(axis([2.0], [2.0, 2.0, 2.0], [2.0]), LEAST) == []
