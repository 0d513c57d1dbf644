"""From trials to the learning-rate axis."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.measure.synthetic import run
from trainsense.measure.comparing import compare_runs, reason_for
from trainsense.measure.drop import references
from trainsense.measure.feasibility import collapsed, effective_score, failure_reason, infeasible_reason
from trainsense.measure.grid import grid_lr
from trainsense.measure.sweep import assemble
from trainsense.records.evidence import Drop, LearningRateSweep
from trainsense.records.outcome import Crashed, Diverged
from trainsense.records.run import Run

STEPS = 100
DROP = Drop(initial=2.0, trivial=None, best=1.0, standard_error=0.0)
DIVERGED = Diverged(reason="non-finite-loss", step=4, value=math.nan)


def ended(score: float | None, lr: float = 0.1, seed: int = 0, **changes: Any) -> Run:
    """Return a run that fell from 2 to `score`, or diverged."""
    if score is None:
        return run(np.full(5, 2.0), lr=lr, seed=seed, steps=STEPS, outcome=DIVERGED, score=None, score_error=None)
    curve = score + (2.0 - score) * np.exp(-np.arange(STEPS) / 10)
    return run(curve, lr=lr, seed=seed, **{"score": score, "initial_loss": 2.0, **changes})


def axis(*scores: float | None, **changes: Any) -> LearningRateSweep:
    """Assemble a sweep of one seed from 0.001 on."""
    runs = {grid_lr(index - 9): [ended(score, grid_lr(index - 9), **changes)] for index, score in enumerate(scores)}
    return assemble(runs, horizon=STEPS, bracket=None, stop_loss=None, prefixes_count=True)


def test_a_plain_sweep() -> None:
    """Best, range, edge, first failure."""
    found = axis(1.9, 1.5, 1.0, 1.01, 1.2, None, None)
    assert found.best_lr == grid_lr(-7)
    assert found.best_range == (grid_lr(-7), grid_lr(-6))
    assert (found.edge_lr, found.unstable_lr) == (grid_lr(-5), grid_lr(-4))
    assert found.drop.value == pytest.approx(1.0)
    assert [point.infeasible[0] for point in found.points] == [None] * 5 + ["non-finite-loss"] * 2
    assert found.best_lr_half_horizon == grid_lr(-7)
    assert found.scores[-1] == pytest.approx(found.drop.ceiling)


def test_slow_is_not_infeasible() -> None:
    """Below the best little progress is slow; above it less than half of the drop is a failure."""
    found = axis(1.99, 1.95, 1.0, 1.7)
    assert [point.infeasible[0] for point in found.points] == [None, None, None, "below-half-drop"]


def test_nothing_trained() -> None:
    """No number is made up."""
    found = axis(None, None, None)
    assert found.best_lr is None
    assert found.scores == (math.inf,) * 3
    assert not found.drop.assessable
    nan = axis(math.nan, math.nan)
    assert nan.best_lr is None


def test_a_single_point() -> None:
    """Is its own best."""
    found = axis(1.0)
    assert found.best_lr == 0.001
    assert found.lr_sensitivity is None


def test_majorities_over_seeds() -> None:
    """One diverging seed of three makes an lr infeasible for the edge, but not unstable."""
    runs = {
        0.01: [ended(1.0, 0.01, seed) for seed in range(3)],
        0.1: [ended(1.1, 0.1, 0), ended(1.1, 0.1, 1), ended(None, 0.1, 2)],
        1.0: [ended(1.1, 1.0, 0), ended(None, 1.0, 1), ended(None, 1.0, 2)],
    }
    found = assemble(runs, horizon=STEPS, bracket=None, stop_loss=None, prefixes_count=False)
    assert (found.best_lr, found.edge_lr, found.unstable_lr) == (0.01, 0.01, 1.0)
    assert found.best_lr_half_horizon is None
    assert found.scores[1] == pytest.approx((1.1 + 1.1 + found.drop.ceiling) / 3)


@pytest.mark.parametrize(
    ("gap", "spread", "expected"),
    [
        (1.5, 0.8, 1.5),
        (0.0, 0.8, None),  # inputs and targets moved together: an autoencoder, a language model
        (0.0, 0.001, 0.0),  # the model ignores its inputs
        (None, 0.8, None),
        (math.nan, 0.8, None),
        (math.inf, 0.8, None),
    ],
)
def test_where_permuting_means_nothing(gap: float | None, spread: float, expected: float | None) -> None:
    """The gap is no reference, the spread of the outputs is."""
    found = references(ended(1.0, shuffle_gap=gap, output_spread=spread))
    assert found == (expected, spread)


def test_collapsed() -> None:
    """By the gap where there is one, else by the spread."""
    stuck = ended(1.99, shuffle_gap=0.001, output_spread=0.5)
    assert collapsed(stuck, 1.5, 0.8)
    assert not collapsed(stuck, None, 0.8)
    assert collapsed(replace(stuck, shuffle_gap=None, output_spread=0.001), None, 0.8)
    assert not collapsed(ended(1.0), 1.5, 0.8)
    assert not collapsed(stuck, None, None)


def test_failures() -> None:
    """Divergence, a crash, and a score that is not finite."""
    assert failure_reason(ended(None)) == "non-finite-loss"
    crashed = replace(ended(None), outcome=Crashed(reason="out-of-memory", step=1, message=""))
    assert failure_reason(crashed) == "out-of-memory"
    assert failure_reason(replace(ended(1.0), score=math.inf)) == "non-finite-loss"
    assert failure_reason(ended(1.0)) is None


@pytest.mark.parametrize(("score", "reason"), [(1.49, None), (1.51, "below-half-drop")])
def test_half_of_the_drop(score: float, reason: str | None) -> None:
    """At the limit."""
    found = infeasible_reason(ended(score), DROP, above_best=True, reference_gap=None, reference_spread=None)
    assert found == reason
    assert infeasible_reason(ended(score), DROP, above_best=False, reference_gap=None, reference_spread=None) is None


def test_an_infeasible_run_counts_as_achieving_nothing() -> None:
    """Whatever it scored."""
    assert effective_score(ended(1.0), "input-collapse", 2.0) == 2.0
    assert effective_score(ended(None), None, 2.0) == 2.0
    assert effective_score(ended(1.2), None, 2.0) == 1.2


def test_runs_are_paired_by_seed() -> None:
    """Whatever their order, and only where both ran."""
    sweep = axis(1.9, 1.0, None)
    left = [ended(1.5, 0.001, seed) for seed in (2, 0, 1)]
    right = [ended(1.0, 0.001, seed) for seed in (1, 2, 7)]
    found = compare_runs(left, right, sweep)
    assert found is not None
    assert found.pairs == 2
    assert found.mean == pytest.approx(0.5 / sweep.drop.value)
    assert compare_runs(left, [], sweep) is None
    assert compare_runs(left, right, replace(sweep, drop=replace(DROP, best=2.0))) is None
    assert reason_for(ended(None, 1.0), sweep) == "non-finite-loss"
    diverged = compare_runs([ended(None, 1.0, 0)], [ended(1.0, 0.001, 0)], sweep)
    assert diverged is not None
    assert diverged.baseline_loss == pytest.approx(sweep.drop.ceiling)


def test_coming_down_from_a_huge_loss_to_worse_than_a_constant_is_no_drop() -> None:
    """A gap within its error is none; nor is the initial loss huge beside a gap of its own size."""
    huge: dict[str, Any] = {"initial_loss": 563.0, "score_error": 0.05, "mean_output_gap": 1.5}
    worse = axis(560.0, 3.0, 4.0, **huge, constant_gap=-0.7)
    assert worse.best_lr == grid_lr(-8)
    assert worse.drop.trivial == pytest.approx(2.3)
    assert not worse.drop.assessable
    assert axis(560.0, 3.0, 4.0, **huge, constant_gap=-0.1).drop.assessable
    assert axis(560.0, 3.0, 4.0, **huge, constant_gap=5.0).drop.assessable
    assert axis(560.0, 3.0, 4.0, **huge | {"initial_loss": 9.0}, constant_gap=-0.7).drop.assessable


def test_where_permuting_and_averaging_change_nothing_nothing_was_learnt() -> None:
    """As on random labels; an autoencoder, on which only permuting changes nothing, has learnt."""
    noise: dict[str, Any] = {"initial_loss": 2.35, "score_error": 0.002, "shuffle_gap": 1e-6, "output_spread": 0.3}
    for gap, learnt in ((-0.004, False), (0.004, False), (0.5, True), (0.0, True)):
        found = axis(2.34, 2.307, 2.32, **noise, constant_gap=gap, mean_output_gap=gap)
        assert found.drop.assessable is learnt, gap
