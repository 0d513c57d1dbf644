"""The one door to computation: nothing runs twice, nothing exceeds the budget."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import Quadratic, lab
from trainsense.lab import Allowance, Lab
from trainsense.records.budget import Prices
from trainsense.records.outcome import Skipped
from trainsense.records.run import Run
from trainsense.records.trial import Trial
from trainsense.store.database import Store

TRIAL = Trial(lr=0.1, seed=0, steps=20)


def test_the_same_trial_runs_once() -> None:
    """Within a call and across calls, under the purpose it first had."""
    executor = Quadratic()
    one = lab(executor)
    first, second = one.run([TRIAL, TRIAL], "first")
    (third,) = one.run([replace(TRIAL)], "second")
    assert first is second is third
    assert len(executor.ran) == 1
    assert [purpose for purpose, _ in one.runs()] == ["first"]
    assert one.cost().trials == 1
    assert one.cost().steps == 20


def test_an_lr_is_the_same_number_however_it_is_written() -> None:
    """The user's `lr=1` is the grid's 1.0."""
    executor = Quadratic()
    lab(executor).run([replace(TRIAL, lr=1), replace(TRIAL, lr=1.0)], "lr")
    assert len(executor.ran) == 1


def test_what_is_stored_is_not_run_again(tmp_path: Path) -> None:
    """Except with `fresh`, or in another context."""
    store = Store(tmp_path)
    executor = Quadratic()
    for context, fresh, ran in [("a", False, 1), ("a", False, 1), ("b", False, 2), ("a", True, 3), ("a", True, 4)]:
        one = Lab(executor, context=context, store=store, fresh=fresh)
        one.run([TRIAL, TRIAL], "p")
        assert len(executor.ran) == ran
        assert one.cost().steps == 20
        assert one.spent == 20
    assert sorted(store.executions().values()) == [1, 3]
    store.close()


def test_kept_trials_count_against_the_budget(tmp_path: Path) -> None:
    """So that the same command repeats itself: a resumed run may not spend what the first could not."""
    store = Store(tmp_path)
    trials = [replace(TRIAL, seed=seed) for seed in range(5)]
    outcomes = []
    for _ in range(2):
        one = Lab(Quadratic(), store=store)
        one.allow(Allowance(amount=65))
        outcomes.append([run.skipped for run in one.run(trials, "p")])
    assert outcomes[0] == outcomes[1] == [False, False, False, True, True]
    store.close()


@settings(max_examples=60, deadline=None)
@given(
    budget=st.floats(0, 400),
    trials=st.lists(st.tuples(st.floats(0.01, 5), st.integers(0, 2), st.integers(1, 90)), max_size=12),
)
def test_the_budget_is_never_exceeded(budget: float, trials: list[tuple[float, int, int]]) -> None:
    """Whatever is asked for, in whatever order; and what was left out is what did not run."""
    one = lab(Quadratic(), budget)
    planned = [Trial(lr=lr, seed=seed, steps=steps, stop_loss=1e4) for lr, seed, steps in trials]
    affordable = one.affords(planned)
    runs = one.run(planned, "p")
    assert one.cost().steps <= budget
    assert one.spent == one.cost().steps
    assert one.spent <= one.allowance.amount
    assert not affordable or not any(run.skipped for run in runs)
    assert bool(one.left_out()) == any(run.skipped for run in runs)
    for trial, run in zip(planned, runs, strict=True):
        assert run.trial.content() == trial.content()
        assert not run.skipped or run.outcome == Skipped(reason="budget")


def test_a_trial_that_stops_early_gives_the_rest_back() -> None:
    """A diverging trial of 100 steps that took 5 costs 5."""
    one = lab(Quadratic(), 120)
    (run,) = one.run([Trial(lr=100.0, seed=0, steps=100, stop_loss=1e4)], "p")
    assert run.failed
    assert len(run.trace) < 10
    assert not one.run([replace(TRIAL, steps=100)], "p")[0].skipped


def test_what_was_left_out_is_told_in_words() -> None:
    """By purpose, once, and no longer when it ran after all."""
    one = lab(Quadratic(), 30)
    one.run([replace(TRIAL, seed=seed) for seed in range(3)], "seeds")
    one.run([replace(TRIAL, seed=1), replace(TRIAL, steps=30)], "more seeds")
    assert one.left_out() == ["seeds (2 trials of up to 20 steps)", "more seeds (2 trials of up to 20 steps)"]
    one.allow(Allowance(amount=1000))
    one.run([replace(TRIAL, seed=1)], "again")
    assert one.left_out() == ["seeds (1 trial of up to 20 steps)", "more seeds (1 trial of up to 30 steps)"]


def test_interrupted() -> None:
    """The trial is skipped, and so is all that follows."""
    executor = Quadratic(interrupt_at=1)
    one = lab(executor)
    runs = one.run([replace(TRIAL, seed=seed) for seed in range(4)], "seeds")
    assert [run.skipped for run in runs] == [False, True, True, True]
    assert {run.outcome for run in runs[1:]} == {Skipped(reason="interrupted")}
    assert one.interrupted
    assert len(executor.ran) == 1
    assert one.affords([replace(TRIAL, seed=0)])
    assert not one.affords([replace(TRIAL, seed=1)])
    assert one.left_out() == ["seeds (3 trials of up to 20 steps)"]
    assert not one.run([replace(TRIAL, seed=0)], "again")[0].skipped


def test_the_deadline_stops_a_plan_that_was_priced_too_low() -> None:
    """Nothing new is started after it."""
    now = [0.0]
    one = Lab(Quadratic(), clock=lambda: now[0])
    one.allow(Allowance(deadline=30.0))
    assert not one.run([TRIAL], "p")[0].skipped
    now[0] = 11.0  # a trial of 20 more would end at 31
    assert not one.run([TRIAL], "p")[0].skipped
    assert one.run([replace(TRIAL, seed=1)], "p")[0].outcome == Skipped(reason="budget")
    assert not one.affords([replace(TRIAL, seed=1)])


def test_prices() -> None:
    """Probes, evaluations and the trial itself have theirs; what is known is repriced."""
    prices = Prices(step=1.0, probe=0.5, evaluation=2.0, trial=3.0)
    probed = replace(TRIAL, probe_every=3)
    assert prices.of(probed) == 20 + 7 * 0.5 + 3 * 2 + 3
    assert prices.of(replace(probed, evaluate=False), 4) == 4 + 2 * 0.5 + 3
    one = lab(Quadratic())
    one.run([probed], "p")
    one.allow(Allowance(amount=100, prices=prices))
    assert one.spent == prices.of(probed)


class Strange:
    """An executor that dies of something else."""

    width = 1
    pace = 1.0

    def close(self) -> None:
        """Do nothing."""

    def run(self, trials: Sequence[Trial]) -> Iterator[Run]:
        """Raise."""
        msg = "strange"
        raise OSError(msg)
        yield


def test_other_faults_pass() -> None:
    """They are faults, not outcomes."""
    with pytest.raises(OSError, match="strange"):
        Lab(Strange()).run([TRIAL], "p")


class Ear:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        """Hear nothing yet."""
        self.heard: list[tuple[object, ...]] = []

    def plan(self, lines: tuple[str, ...], steps: int) -> None:
        """Take the plan."""

    def stage(self, title: str) -> None:
        """Take a stage."""

    def warn(self, text: str) -> None:
        """Take a warning."""

    def started(self, purpose: str, steps: int) -> None:
        """Take a trial that begins."""
        self.heard.append(("started", purpose, steps))

    def finished(self, steps: int, text: str) -> None:
        """Take a trial that ends."""
        self.heard.append(("finished", steps, text))


def test_the_listener_hears_every_trial(tmp_path: Path) -> None:
    """What comes from the store took no steps."""
    store, ear = Store(tmp_path), Ear()
    Lab(Quadratic(), store=store, listener=ear).run([TRIAL], "one")
    Lab(Quadratic(), store=store, listener=ear).run([TRIAL], "two")
    assert ear.heard == [("started", "one", 20), ("finished", 20, "ran to the end"), ("finished", 0, "ran to the end")]
    store.close()


def test_what_is_known_is_always_affordable() -> None:
    """Or a later look would forget, once time is up, the pairs that an earlier one has run."""
    now = [0.0]
    one = Lab(Quadratic(), clock=lambda: now[0])
    one.allow(Allowance(amount=TRIAL.steps, deadline=30.0))
    one.run([TRIAL], "pairs")
    now[0] = 11.0  # a trial of 20 more would end at 31
    assert one.affords([TRIAL])
    assert not one.affords([TRIAL, replace(TRIAL, seed=7)])


def test_a_race_that_is_won_was_none(tmp_path: Path) -> None:
    """The trial is known, and kept, as the one without: whoever asks for it next runs nothing."""
    store = Store(tmp_path)
    executor = Quadratic()
    trial = replace(TRIAL, probe_every=1)
    raced = replace(trial, must_reach=1e9)
    one = Lab(executor, store=store)
    (won,), (plain,) = one.run([raced], "race"), one.run([trial], "again")
    assert won is plain
    assert won.trial == trial
    (kept,) = Lab(executor, store=store).run([replace(raced, must_reach=1e8)], "another race")
    assert kept.trial == trial
    assert len(executor.ran) == 1


def test_a_dropped_trial_stands_for_itself_alone(tmp_path: Path) -> None:
    """The whole trial is run when it is asked for, and answers the race from then on."""
    store = Store(tmp_path)
    executor = Quadratic()
    trial = Trial(lr=1e-4, seed=0, steps=60, probe_every=3)
    raced = replace(trial, must_reach=1e-3)
    one = Lab(executor, store=store)
    (lost,) = one.run([raced], "race")
    assert lost.dropped
    assert one.spent == one.cost().steps == 12
    (whole,) = one.run([trial], "whole")
    assert whole.completed
    assert one.run([raced], "race")[0] is whole
    later = Lab(executor, store=store)
    assert later.run([raced], "race")[0].completed
    assert later.affords([raced, trial])
    assert len(executor.ran) == 2
