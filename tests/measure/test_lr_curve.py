"""The curve of score against learning rate, on curves made by hand."""

import math
from collections.abc import Sequence

import pytest

from trainsense.measure.grid import GRID_STEP, grid_index, grid_lr
from trainsense.measure.lr_curve import CurvePoint, choose, edge, lowest, sensitivity, stable_decades


def points(scores: Sequence[float], *, failing: int = 0, seeds: int = 1) -> list[CurvePoint]:
    """Return grid points from 0.001 on; the last `failing` are infeasible on all seeds."""
    return [
        CurvePoint(
            lr=grid_lr(index - 9),
            scores={seed: score + 0.001 * seed for seed in range(seeds)},
            feasible=index < len(scores) - failing,
            unstable=index >= len(scores) - failing,
        )
        for index, score in enumerate(scores)
    ]


def test_the_lowest_wins() -> None:
    """And what cannot be told from it is its range."""
    curve = points([2.0, 1.5, 1.01, 1.0, 1.015, 2.0])
    best, ties = choose(curve, 1.0)
    assert best.lr == curve[3].lr
    assert [point.lr for point in ties] == [point.lr for point in curve[2:5]]


def test_a_tie_away_from_failure_is_preferred() -> None:
    """Within 1 % of D; beyond that the best stays the best."""
    close = points([2.0, 1.5, 1.005, 1.0, 3.0], failing=1)
    assert choose(close, 1.0)[0].lr == close[2].lr
    far = points([2.0, 1.5, 1.05, 1.0, 3.0], failing=1)
    assert choose(far, 1.0)[0].lr == far[3].lr


def test_an_unstable_point_is_never_the_best() -> None:
    """However low its mean; unless there is nothing else."""
    curve = points([2.0, 1.5, 0.1], failing=1)
    assert lowest(curve).lr == curve[1].lr
    only = points([2.0, 1.0], failing=2)
    assert lowest(only).lr == only[1].lr


def test_points_with_fewer_seeds_do_not_win() -> None:
    """A single lucky seed is not held against a mean of three."""
    curve = [*points([2.0, 1.0], seeds=3), *points([2.0, 1.0, 0.9])[2:]]
    assert lowest(curve).lr == curve[1].lr


def test_ties_do_not_jump_over_a_worse_point() -> None:
    """The range is unbroken."""
    curve = points([1.0, 2.0, 1.0, 1.01])
    _, ties = choose(curve, 1.0)
    assert len({point.lr for point in ties} & {curve[0].lr, curve[2].lr}) == 1


def test_a_wide_interval_is_no_licence() -> None:
    """A mean difference above 5 % of D is never a tie."""
    noisy = CurvePoint(lr=grid_lr(-9), scores={0: 1.0, 1: 1.3, 2: 0.95}, feasible=True, unstable=False)
    good = CurvePoint(lr=grid_lr(-8), scores={0: 1.0, 1: 1.0, 2: 1.0}, feasible=True, unstable=False)
    assert choose([noisy, good], 1.0)[1] == [good]


def test_the_edge() -> None:
    """The largest feasible below the first failure, and the first failure."""
    curve = points([2.0, 1.5, 1.0, 1.1, 5.0, 5.0], failing=2)
    assert edge(curve, curve[2].lr) == (curve[3].lr, curve[4].lr)
    assert edge(points([2.0, 1.0, 1.5]), grid_lr(-8)) == (grid_lr(-7), None)
    half = [
        *points([2.0, 1.0]),
        CurvePoint(lr=1.0, scores={0: 9.0, 1: 1.0, 2: 1.0}, feasible=False, unstable=False),
        CurvePoint(lr=2.15443, scores={0: 9.0, 1: 9.0, 2: 1.0}, feasible=False, unstable=True),
    ]
    assert edge(half, grid_lr(-8)) == (grid_lr(-8), 2.15443)


def test_sensitivity() -> None:
    """Zero on a level curve; bounded by L0 less the best; unknown with two points."""
    level = points([1.0] * 7)
    assert sensitivity(level, level[3], 5.0) == 0
    sharp = points([1e9] * 3 + [1.0] + [1e9] * 3)
    found = sensitivity(sharp, sharp[3], 5.0)
    assert found is not None
    assert 2.5 < found < 4.0
    assert sensitivity(level[:2], level[0], 5.0) is None


def test_stable_decades() -> None:
    """Interpolated on the log axis."""
    level = points([1.0] * 7)
    assert stable_decades(level, level[3], 1.0) == pytest.approx(2.0)
    v_shape = points([1.04, 1.02, 1.0, 1.02, 1.04])
    assert stable_decades(v_shape, v_shape[2], 1.0) == pytest.approx(2 / 3, abs=0.02)


def test_the_grid() -> None:
    """Thirds of a decade, anchored at 1; every point finds its index again."""
    assert grid_lr(0) == 1
    assert [grid_index(grid_lr(index)) for index in range(-21, 7)] == list(range(-21, 7))
    assert math.isclose(grid_lr(1) / grid_lr(0), GRID_STEP, rel_tol=1e-5)
