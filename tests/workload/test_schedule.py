"""The user's schedule in a shorter run."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cases import workload
from trainsense.errors import UserCodeError
from trainsense.records.schedule import SCHEDULES, cosine
from trainsense.records.trial import RANGE_TEST, WITHOUT_OWN_WARMUP, Trial
from trainsense.workload.schedule import factors, own_warmup_steps


def trial(steps: int = 100, **settings: object) -> Trial:
    """Return a trial with settings changed."""
    return Trial(lr=0.1, seed=0, steps=steps, **settings)  # type: ignore[arg-type]


def warm_cosine(step: int) -> float:
    """200 steps of warmup, then a cosine to 2,000."""
    return (step + 1) / 200 if step < 200 else 0.5 * (1 + math.cos(math.pi * (step - 200) / 1800))


@pytest.mark.parametrize("name", SCHEDULES)
def test_named_schedules_fit_the_run(name: str) -> None:
    """Whatever its length; a warmup is taken out of it."""
    factor = factors(workload(schedule=name), trial())
    assert [factor(step) for step in range(100)] == [SCHEDULES[name](step, 100) for step in range(100)]
    warmed = factors(workload(schedule=name), trial(warmup_steps=20))
    assert [warmed(step) for step in range(20, 100)] == [SCHEDULES[name](step, 80) for step in range(80)]
    assert [warmed(step) for step in range(20)] == pytest.approx([(step + 1) / 20 for step in range(20)])


def test_a_trial_may_name_another_schedule() -> None:
    """And a range test rises by nine decades."""
    assert factors(workload(schedule="cosine"), trial(schedule="constant"))(99) == 1
    rising = factors(workload(schedule="cosine"), trial(schedule=RANGE_TEST))
    assert rising(0) == 1
    assert rising(99) == 1e9


@pytest.mark.parametrize(
    ("schedule", "planned", "expected"),
    [
        (warm_cosine, 2000, 199),
        (lambda step: min(1.0, (step + 1) / 37), 1000, 36),
        (lambda step: min(1.0, (step + 1) / 37), None, 36),
        (lambda step: 0.99**step, 1000, 0),
        (lambda step: 1.0, 1000, 0),
        (lambda step: 0.0, 1000, 0),
        ("cosine", 1000, 0),
        (None, None, 0),
    ],
)
def test_the_own_warmup_is_read(schedule: object, planned: int | None, expected: int) -> None:
    """To the step at which it reaches its peak."""
    found = own_warmup_steps(workload(schedule=schedule, max_train_steps=planned))
    assert abs(found - expected) <= 1


def test_a_compressed_schedule_keeps_its_warmup_in_steps() -> None:
    """Where it fits half of the run; and ends where the real one ends."""
    what = workload(schedule=warm_cosine, max_train_steps=2000)
    long = factors(what, trial(500))
    assert [long(step) for step in range(150)] == [warm_cosine(step) for step in range(150)]
    assert long(499) < 0.001
    short = factors(what, trial(100))
    assert short(9) == pytest.approx(0.9, abs=0.02)
    assert short(10) == pytest.approx(1.0, abs=0.02)
    assert short(99) < 0.01


def test_without_the_own_warmup() -> None:
    """It begins at its peak."""
    what = workload(schedule=warm_cosine, max_train_steps=2000)
    factor = factors(what, trial(100, schedule=WITHOUT_OWN_WARMUP, warmup_steps=5))
    assert factor(5) == pytest.approx(1.0, abs=0.01)
    assert factor(0) == pytest.approx(0.2, abs=0.01)
    assert factor(99) < 0.01


@given(st.integers(1, 400), st.integers(0, 100), st.sampled_from([None, 50, 300, 5000]))
def test_factors_stay_between_zero_and_the_peak(steps: int, warmup: int, planned: int | None) -> None:
    """For every length of run, warmup and plan."""
    what = workload(schedule=lambda step: max(0.0, 1 - step / (planned or 300)), max_train_steps=planned)
    factor = factors(what, trial(steps, warmup_steps=min(warmup, steps)))
    values = [factor(step) for step in range(steps)]
    assert all(0 <= value <= 1 for value in values)


def test_the_users_errors_are_theirs() -> None:
    """Wherever the schedule is called."""
    table = [1.0] * 10
    what = workload(schedule=lambda step: table[step])
    with pytest.raises(UserCodeError, match=r"Workload\.schedule\(\d+\) raised IndexError"):
        own_warmup_steps(what)
    with pytest.raises(UserCodeError, match=r"Workload\.schedule\(10\)"):
        factors(what, trial())(10)
    assert cosine(0, 10) == 1
