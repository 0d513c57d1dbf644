"""The vocabulary."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainsense.errors import OptionError
from trainsense.records.outcome import Completed, Crashed, Diverged, Skipped
from trainsense.records.plan import ESSENTIALS, Plan, Subject
from trainsense.records.request import BudgetLimit, Request
from trainsense.records.run import Run
from trainsense.records.schedule import SCHEDULES, range_test, warmup_factor
from trainsense.records.trial import Trial

TRIAL = Trial(lr=0.1, seed=0, steps=10)


def test_a_key_tells_every_setting_and_the_context() -> None:
    """Equal settings, equal keys; anything else differs."""
    changes: list[dict[str, object]] = [
        {"lr": 0.2},
        {"seed": 1},
        {"steps": 11},
        {"schedule": "cosine"},
        {"warmup_steps": 1},
        {"clip_norm": 1.0},
        {"probe_every": 1},
        {"evaluate": False},
        {"stop_loss": 5.0},
    ]
    keys = {replace(TRIAL, **change).key("a") for change in changes}  # type: ignore[arg-type]
    assert len(keys | {TRIAL.key("a"), TRIAL.key("b")}) == len(changes) + 2
    assert replace(TRIAL).key("a") == TRIAL.key("a")
    assert replace(TRIAL, lr=1, clip_norm=2).key("a") == replace(TRIAL, lr=1.0, clip_norm=2.0).key("a")


def test_outcomes_are_sentences() -> None:
    """With the step and the number."""
    assert Completed().text == "ran to the end"
    assert Diverged(reason="loss-explosion", step=3, value=1e9).text == "the loss exploded to 1e+09 at step 3"
    assert Crashed(reason="exception", step=2, message="ValueError: no").text == "raised at step 2: ValueError: no"
    assert "budget" in Skipped(reason="budget").text


@pytest.mark.parametrize(
    ("outcome", "flags", "stopped"),
    [
        (Completed(), (True, False, False), None),
        (Diverged(reason="loss-explosion", step=3, value=1.0), (False, True, False), 3),
        (Crashed(reason="exception", step=2, message=""), (False, True, False), 2),
        (Skipped(reason="interrupted"), (False, False, True), None),
    ],
)
def test_what_a_run_says_of_itself(
    outcome: Completed | Diverged | Crashed | Skipped, flags: tuple[bool, bool, bool], stopped: int | None
) -> None:
    """Exactly one of three."""
    run = Run(trial=TRIAL, outcome=outcome)
    assert (run.completed, run.failed, run.skipped) == flags
    assert run.stopped_at == stopped


@given(st.sampled_from(sorted(SCHEDULES)), st.integers(1, 500))
def test_schedules_start_at_one_and_never_rise(name: str, steps: int) -> None:
    """And stay within 0 and 1."""
    values = [SCHEDULES[name](step, steps) for step in range(steps + 1)]
    assert values[0] == 1
    assert all(0 <= later <= earlier for earlier, later in pairwise(values))


@given(st.integers(1, 300))
def test_a_warmup_rises_to_one(steps: int) -> None:
    """Linearly, the first step above zero."""
    values = [warmup_factor(step, steps) for step in range(steps + 3)]
    assert values[0] == 1 / steps
    assert values[steps - 1 :] == [1.0] * 4
    assert range_test(0, steps) == 1


def test_adoption_seeds_are_fresh() -> None:
    """No screening seed is among them."""
    plan = Plan(
        subject=Subject(),
        seed=3,
        horizon=100,
        instability_steps=100,
        bracket_steps=50,
        effort=replace(ESSENTIALS, seeds=10),
    )
    assert plan.seeds == tuple(range(3, 13))
    assert plan.fresh_seeds(10) == tuple(range(103, 113))
    assert plan.trial(0.1, 3, None).probe_every == 5
    assert plan.probed(0.1, 3, None, steps=7).steps == 7


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lr", 0.0),
        ("lr", float("nan")),
        ("steps", 3),
        ("steps", 0),
        ("seeds", 0),
        ("seed", -1),
        ("factor", 0.0),
        ("budget", BudgetLimit(amount=0.0, unit="seconds")),
        ("budget", BudgetLimit(amount=float("inf"), unit="seconds")),
    ],
)
def test_a_request_is_checked_when_it_is_made(field: str, value: object) -> None:
    """For those who come by the Python API."""
    with pytest.raises(OptionError, match=field):
        Request(**{field: value})  # type: ignore[arg-type]
