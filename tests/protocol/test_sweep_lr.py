"""The sweep on a quadratic whose optimum is known."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import COMPLETION, ESSENTIALS, REFINEMENTS, Quadratic, lab, plan
from trainsense.measure.grid import GRID_STEP
from trainsense.protocol.sweep_lr import sweep_lr
from trainsense.protocol.user_setting import user_setting
from trainsense.records.evidence import LearningRateSweep
from trainsense.records.run import Run
from trainsense.records.trial import Trial

ONE_POINT = GRID_STEP * 1.02


def swept(executor: Quadratic, steps: float = math.inf, *, horizon: int = 60) -> LearningRateSweep | None:
    """Sweep as a diagnosis does: the essentials, then everything."""
    one = lab(executor, steps)
    for effort in (ESSENTIALS, REFINEMENTS, COMPLETION):
        found = sweep_lr(one, plan(effort, horizon=horizon))
    assert one.cost().steps <= steps
    assert len(executor.ran) == len({trial.content() for trial in executor.ran})
    return found


def known(sweep: LearningRateSweep | None) -> LearningRateSweep:
    """Return the evidence, which must be there."""
    assert sweep is not None
    return sweep


@pytest.mark.parametrize("curvature", [0.05, 1.0, 47.0, 1e4])
@pytest.mark.parametrize("noise", [0.3, 1.0])
def test_the_best_lr_is_found(curvature: float, noise: float) -> None:
    """At most a grid point from the true one, or as good as it; the first that fails a grid point above 2 / h."""
    executor = Quadratic(curvature=curvature, noise=noise * curvature, seed_spread=0.05)
    sweep = known(swept(executor))
    assert sweep.best_lr is not None
    best = executor.best_lr(60)
    initial = executor.answer(executor.ran[0]).initial_loss
    regret = (executor.score(sweep.best_lr, 60) - executor.score(best, 60)) / (initial or math.nan)
    assert best / ONE_POINT <= sweep.best_lr <= best * ONE_POINT or regret < 0.01
    assert sweep.unstable_lr is not None
    assert executor.limit / ONE_POINT <= sweep.unstable_lr <= executor.limit * ONE_POINT
    assert sweep.edge_lr is not None
    assert sweep.best_lr <= sweep.edge_lr < sweep.unstable_lr
    assert sweep.seeds >= 3
    assert sweep.best_range is not None
    assert sweep.best_range[0] <= sweep.best_lr <= sweep.best_range[1]
    assert sweep.drop.assessable


@pytest.mark.parametrize("curvature", [1e5, 3e-2])
def test_the_range_is_found_wherever_it_lies(curvature: float) -> None:
    """Far below or above the usual learning rates: the grid covers two decades and both sides of the limit."""
    executor = Quadratic(curvature=curvature, noise=0.1 * curvature)
    sweep = known(swept(executor))
    lrs = [point.lr for point in sweep.points]
    assert min(lrs) < executor.limit / 30
    assert max(lrs) > executor.limit
    assert sweep.best is not None
    assert sweep.best.lr not in (lrs[0], lrs[-1])


def test_the_range_grows_upwards() -> None:
    """A limit beyond the end of the range test."""
    executor = Quadratic(curvature=1e-3, noise=3e-4)
    sweep = known(swept(executor))
    best = executor.best_lr(60)
    assert sweep.best_lr is not None
    assert best / ONE_POINT <= sweep.best_lr <= best * ONE_POINT
    assert best > 100


def test_the_range_grows_downwards() -> None:
    """Noise so large that the best lies decades below the divergence."""
    executor = Quadratic(curvature=1.0, noise=30.0)
    sweep = known(swept(executor, horizon=300))
    best = executor.best_lr(300)
    assert sweep.best_lr is not None
    assert best / ONE_POINT <= sweep.best_lr <= best * ONE_POINT


def test_nothing_trains_anywhere() -> None:
    """NaN from the first step on: evidence that says so, at little cost."""
    executor = Quadratic(nan=True)
    sweep = known(swept(executor))
    assert sweep.best_lr is None
    assert sweep.points
    assert all(point.unstable for point in sweep.points)
    assert {reason for point in sweep.points for reason in point.infeasible} == {"non-finite-loss"}
    assert sum(len(run.trace) for point in sweep.points for run in point.runs) < 100


def test_everything_raises() -> None:
    """Crashes are infeasible trials with their reason."""
    executor = Quadratic(crash_above=1e-9)
    sweep = known(swept(executor))
    assert sweep.best_lr is None
    assert {reason for point in sweep.points for reason in point.infeasible} == {"exception"}


def test_crashes_above_some_lr_are_the_edge() -> None:
    """The sweep goes on around them."""
    executor = Quadratic(noise=1.0, crash_above=0.3)
    sweep = known(swept(executor))
    assert sweep.best_lr is not None
    assert sweep.best_lr <= 0.3
    assert sweep.unstable_lr is not None
    assert sweep.unstable_lr <= 0.3 * ONE_POINT


def test_nothing_to_learn() -> None:
    """Started at the optimum: no drop, so nothing is claimed."""
    executor = Quadratic(start=1e-9, noise=1.0)
    sweep = known(swept(executor))
    assert not sweep.drop.assessable


@given(st.integers(0, 4000), st.floats(-3, 3), st.floats(0, 2))
def test_a_tight_budget_gives_partial_evidence(steps: int, decade: float, noise: float) -> None:
    """Or none; never an error, never more than the budget."""
    curvature = 10**decade
    sweep = swept(Quadratic(curvature=curvature, noise=noise * curvature, seed_spread=0.1), steps)
    if steps < 100:
        assert sweep is None
    if sweep is not None:
        assert list(sweep.scores)
        assert [point.lr for point in sweep.points] == sorted(point.lr for point in sweep.points)


def test_the_interrupt_gives_partial_evidence() -> None:
    """What was known stays known."""
    for at in range(0, 10, 2):
        executor = Quadratic(noise=0.3, interrupt_at=at)
        one = lab(executor)
        sweep = sweep_lr(one, plan(COMPLETION))
        assert one.interrupted
        assert (sweep is not None) == (at > 1)
        assert len(executor.ran) == at


def test_a_race_saves_steps() -> None:
    """What crawls far below the best is dropped and counts as slow; what cannot train above it is dropped and counts as infeasible."""
    executor = Quadratic(noise=3.0, seed_spread=0.05)
    one = lab(executor)
    sweep = known(sweep_lr(one, plan(REFINEMENTS, horizon=20)))
    dropped = [point for point in sweep.points if any(run.dropped for run in point.runs)]
    assert sweep.best_lr is not None
    assert {point.lr < sweep.best_lr for point in dropped} == {True, False}
    assert all(point.feasible == (point.lr < sweep.best_lr) for point in dropped)
    assert one.cost().steps < sum(trial.steps for trial in executor.ran)


def test_the_grid_reaches_an_lr_of_the_user_that_leads() -> None:
    """Where theirs ends below what the range test suggests, the grid goes there at once; without it, a step at a time."""
    executor = Quadratic(curvature=1.0, noise=30.0)
    best = executor.best_lr(2000)
    for lr, purpose in ((best * 1.1, "coarse learning-rate grid"), (None, "lower learning rates")):
        one = lab(executor)
        sweep = known(sweep_lr(one, plan(REFINEMENTS, horizon=2000, lr=lr)))
        assert sweep.best_lr is not None
        assert best / ONE_POINT <= sweep.best_lr <= best * ONE_POINT
        assert next(why for why, run in one.runs() if run.trial.lr == sweep.best_lr) == purpose


@pytest.mark.parametrize(("noise", "horizon", "runs"), [(1.0, 60, 1), (3.0, 20, 3)])
def test_how_many_seeds_the_users_lr_takes(noise: float, horizon: int, runs: int) -> None:
    """5 % of the loss drop from the best among seeds that agree: one says so. 9 %, which is near a finding: all."""
    executor = Quadratic(noise=noise)
    made = replace(plan(REFINEMENTS, horizon=horizon, lr=0.3 * executor.best_lr(horizon)), closely=False)
    one = lab(executor)
    user = user_setting(one, made, known(sweep_lr(one, made)))
    assert user is not None
    assert user.against_best is not None
    assert 0.05 < user.against_best.mean < 0.1
    assert len(user.runs) == runs


def test_noise_among_seeds_calls_for_more_of_them() -> None:
    """Where seeds differ as much as learning rates do, the neighbours of the best get all seeds; where they agree, one each."""
    seeds = []
    for spread in (0.0, 0.4):
        sweep = known(sweep_lr(lab(Quadratic(noise=10.0, seed_spread=spread)), plan(REFINEMENTS, horizon=20)))
        assert sweep.best is not None
        beside = [point for point in sweep.points if 0.4 < point.lr / sweep.best.lr < 2.5 and point is not sweep.best]
        seeds.append(sum(len(point.runs) for point in beside if point.feasible))
        assert len(sweep.best.runs) == 3
    assert seeds[0] < seeds[1]


class Unraced(Quadratic):
    """Runs every trial to its end."""

    def answer(self, trial: Trial) -> Run:
        """Return what happens without a race."""
        return replace(super().answer(trial.unraced()), trial=trial)


@given(decade=st.floats(-2, 3), noise=st.floats(0, 2), spread=st.floats(0, 0.2))
def test_racing_changes_no_lr(decade: float, noise: float, spread: float) -> None:
    """lr*, the edge and what fails are those of a sweep whose trials all run to their ends; fewer steps are trained."""
    curvature = 10**decade
    sweeps, steps = [], []
    for raced in (True, False):
        kind = Quadratic if raced else Unraced
        one = lab(kind(curvature=curvature, noise=noise * curvature, seed_spread=spread))
        sweeps.append(known(sweep_lr(one, plan(REFINEMENTS))))
        steps.append(one.cost().steps)
    for name in ("best_lr", "best_range", "edge_lr", "unstable_lr"):
        assert getattr(sweeps[0], name) == getattr(sweeps[1], name), name
    assert steps[0] <= steps[1]
