"""Small builders of evidence: everything is healthy unless told otherwise."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from tests.measure.synthetic import run
from trainsense.measure.grid import grid_lr
from trainsense.measure.paired import compare
from trainsense.records.comparison import Comparison
from trainsense.records.evidence import (
    Arm,
    Drop,
    Event,
    Evidence,
    FixesTried,
    InstabilityCheck,
    InstabilityRun,
    LearningRateSweep,
    Setup,
    SweepPoint,
    UserSetting,
)
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed
from trainsense.records.run import Run
from trainsense.records.settings import Settings
from trainsense.rules import RULES

STEPS = 100
FALLING = 0.5 + 1.5 * np.exp(-np.arange(STEPS) / 20)
DROP = Drop(initial=2.0, trivial=2.0, best=0.5, standard_error=0.01)
BEST = grid_lr(-3)


def judged(rule: str, *evidence: Evidence) -> Judgement:
    """Return what one rule says."""
    return next(one for one in RULES if one.name == rule)(evidence)


def drawn(rule: str, *evidence: Evidence) -> Finding:
    """Return the finding, which the rule must draw under its own name."""
    said = judged(rule, *evidence)
    assert isinstance(said, Finding), said
    assert said.rule == rule
    assert said.title
    assert said.detail
    return said


def quiet(rule: str, *evidence: Evidence) -> None:
    """Check that the rule looked and found nothing."""
    said = judged(rule, *evidence)
    assert isinstance(said, Passed), said


def open_(rule: str, *evidence: Evidence) -> str:
    """Check that the rule could not look; return why."""
    said = judged(rule, *evidence)
    assert isinstance(said, NotAssessed), said
    return said.reason


def setup(**changes: Any) -> Setup:
    """Return a clean first look."""
    fields: dict[str, Any] = {
        "deterministic": True,
        "first_difference": None,
        "difference": 0.0,
        "likely_causes": (),
        "only_batches_differ": False,
        "batches_scanned": 64,
        "non_finite": (),
        "first_loss": 2.0,
    }
    return Setup(**{**fields, **changes})


def good(lr: float = BEST, seed: int = 0, **changes: Any) -> Run:
    """Return a completed run of a model that uses its inputs."""
    fields: dict[str, Any] = {"shuffle_gap": 1.5, "output_spread": 0.8, "initial_loss": 2.0, "score": 0.5}
    return run(FALLING, lr=lr, seed=seed, **{**fields, **changes})


def sweep(**changes: Any) -> LearningRateSweep:
    """Return a sweep with lr* = 0.1 and the first failure a decade above it."""
    indices = range(-9, 2)
    points = tuple(
        SweepPoint(
            lr=grid_lr(index), runs=(good(grid_lr(index)),), infeasible=(None if index < 0 else "non-finite-loss",)
        )
        for index in indices
    )
    fields: dict[str, Any] = {
        "horizon": STEPS,
        "bracket": None,
        "points": points,
        "scores": tuple(0.5 + 0.1 * abs(index + 3) for index in indices),
        "drop": DROP,
        "best_lr": BEST,
        "best_range": (grid_lr(-4), grid_lr(-2)),
        "edge_lr": grid_lr(-1),
        "unstable_lr": 1.0,
        "best_lr_half_horizon": BEST,
        "lr_sensitivity": 0.3,
        "stable_decades": 0.7,
        "reference_gap": 1.5,
        "reference_spread": 0.8,
        "seeds": 3,
    }
    return LearningRateSweep(**{**fields, **changes})


def gain(mean: float, pairs: int = 5, spread: float = 0.01, **changes: Any) -> Comparison:
    """Return a comparison with about this mean effect, decided by `compare` itself."""
    effects = mean + spread * (np.arange(pairs) - (pairs - 1) / 2)
    none = [False] * pairs
    options = {"drop": 1.0, "baseline_failed": none, "setting_failed": none, **changes}
    return compare([2.0] * pairs, (2.0 - effects).tolist(), **options)


def user(
    lr: float = BEST, runs: Iterable[Run] | None = None, event: Event | None = None, **changes: Any
) -> UserSetting:
    """Return the user's own setting, as good as the best."""
    made = tuple(runs) if runs is not None else tuple(good(lr, seed) for seed in range(3))
    fields: dict[str, Any] = {
        "lr": lr,
        "runs": tuple(InstabilityRun(factor=lr / BEST, run=one, event=event) for one in made),
        "infeasible": (None,) * len(made),
        "at_best": tuple(good(BEST, seed) for seed in range(3)),
        "against_best": gain(0.0, 3),
        "half_horizon_gap": 0.0,
        "horizon_gap": 0.0,
    }
    return UserSetting(**{**fields, **changes})


def event(kind: str = "early", **changes: Any) -> Event:
    """Return a rise that did not recover."""
    fields: dict[str, Any] = {
        "kind": kind,
        "cause": "rise",
        "onset_step": 5,
        "peak": 3.0,
        "drawdown": 0.6,
        "recovered": False,
        "recovery_steps": None,
    }
    return Event(**{**fields, **changes})


def check(*events: tuple[float, Event | None], unstable_lr: float | None = 1.0) -> InstabilityCheck:
    """Return an instability check with one run per `(factor, event)`."""
    return InstabilityCheck(
        horizon=STEPS,
        runs=tuple(
            InstabilityRun(factor=factor, run=good(factor * BEST), event=one)
            for factor, one in events or ((2.0, None),)
        ),
        null_runs=(),
        null_drawdown=None,
        threshold=0.15,
        unstable_lr=unstable_lr,
    )


def tried(fix: str = "warmup", against_lower_lr: Comparison | None = None, lr: float = 2.15443 * BEST) -> FixesTried:
    """Return one fix that was tried; it verifiably beat both unless told otherwise."""
    return FixesTried(
        symptoms=("the best lr lies just below failure",),
        baseline=Settings(lr=BEST),
        arms=(
            Arm(
                fix=fix,
                settings=Settings(lr=lr, warmup_steps=20),
                screened=(good(lr),),
                infeasible=(None,),
                screened_gain=0.2,
                against_baseline=gain(0.2),
                against_lower_lr=gain(0.2) if against_lower_lr is None else against_lower_lr,
            ),
        ),
    )
