"""The essentials come before the refinements, whatever the budget."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import COMPLETION, ESSENTIALS, REFINEMENTS, Quadratic, lab, plan
from trainsense.lab import Lab
from trainsense.protocol import ALL_STAGES, ESSENTIAL_STAGES
from trainsense.records.evidence import (
    ClipChoice,
    Evidence,
    FixesTried,
    InstabilityCheck,
    LearningRateSweep,
    UserSetting,
    WarmupSweep,
)
from trainsense.records.request import Command
from trainsense.rules import RULES

COMMANDS: tuple[Command, ...] = ("sweep-lr", "check-instability", "pick-clip", "sweep-warmup", "diagnose")


def staged(
    executor: Quadratic, steps: float = math.inf, command: Command = "diagnose", **subject: Any
) -> tuple[Lab, Mapping[type, Evidence]]:
    """Run the stages as a diagnosis does."""
    one = lab(executor, steps)
    evidence: dict[type, Evidence] = {}
    for stages, effort in ((ESSENTIAL_STAGES, ESSENTIALS), (ALL_STAGES, REFINEMENTS), (ALL_STAGES, COMPLETION)):
        for stage in stages[command]:
            found = stage(one, plan(effort, **subject), evidence)
            if found is not None:
                evidence[type(found)] = found
    return one, evidence


def noisy() -> Quadratic:
    """Return a healthy quadratic."""
    return Quadratic(noise=0.5, seed_spread=0.1)


def test_everything_is_measured_when_it_fits() -> None:
    """All six kinds of evidence, and nothing left out."""
    one, evidence = staged(noisy(), lr=0.1)
    kinds = {LearningRateSweep, UserSetting, InstabilityCheck, FixesTried, ClipChoice, WarmupSweep}
    assert set(evidence) == kinds
    assert one.left_out() == []
    for rule in RULES:
        rule(evidence.values())


def test_the_order() -> None:
    """Bracket, coarse grid with the user's lr, 2x lr*; only then seeds, 5x and 10x."""
    executor = noisy()
    one, _ = staged(executor, lr=0.1)
    purposes = list(dict.fromkeys(purpose for purpose, _ in one.runs()))
    first = [
        "exponential range test",
        "coarse learning-rate grid",
        "runs at 2x the best learning rate",
    ]
    places = [purposes.index(one) for one in first]
    assert places == sorted(places)
    assert all(trial.seed == 0 for trial in executor.ran[: places[-1]])
    for late in ("seeds around the best learning rate", "runs at 5x the best learning rate"):
        assert purposes.index(late) > places[-1]


def test_a_smaller_budget_runs_a_beginning_of_the_same() -> None:
    """Until the first trial that does not fit."""
    whole, part = noisy(), noisy()
    staged(whole, lr=0.1)
    one, _ = staged(part, 900, lr=0.1)
    assert part.ran[:8] == whole.ran[:8]
    assert one.left_out()


@pytest.mark.parametrize("command", COMMANDS)
@settings(max_examples=30)
@given(steps=st.integers(0, 8000), lr=st.sampled_from([None, 1e-3, 0.3, 5.0, 1e3]), clip=st.sampled_from([None, 0.1]))
def test_no_budget_is_exceeded_and_nothing_raises(command: Command, steps: int, lr: float | None, clip: float) -> None:
    """Every stage of every command, with and without the user's lr and clipping; every rule can judge what is there."""
    one, evidence = staged(noisy(), steps, command, lr=lr, clip_norm=clip)
    assert one.cost().steps <= steps
    for rule in RULES:
        rule(evidence.values())


@pytest.mark.parametrize(
    "executor",
    [Quadratic(nan=True), Quadratic(crash_above=0.0), Quadratic(crash_above=0.3), Quadratic(start=0.0)],
    ids=["nan", "crashes", "crashes above", "nothing to learn"],
)
@pytest.mark.parametrize("command", COMMANDS)
def test_sick_workloads_get_through(executor: Quadratic, command: Command) -> None:
    """No stage and no rule raises."""
    _, evidence = staged(executor, 20000, command, lr=0.1, clip_norm=1.0)
    for rule in RULES:
        rule(evidence.values())


@pytest.mark.parametrize("at", range(0, 24, 3))
def test_interrupted_anywhere(at: int) -> None:
    """Nothing runs after it and nothing raises."""
    executor = Quadratic(noise=0.5, interrupt_at=at)
    one, evidence = staged(executor, lr=0.1)
    assert one.interrupted
    assert len(executor.ran) == at
    for rule in RULES:
        rule(evidence.values())
