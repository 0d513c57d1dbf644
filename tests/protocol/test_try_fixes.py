"""Which fix pays, on a quadratic whose optimum is known."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes import COMPLETION, ESSENTIALS, REFINEMENTS, Quadratic, lab, plan, survey
from trainsense.lab import Lab
from trainsense.protocol.check_instability import check_instability
from trainsense.protocol.sweep_lr import sweep_lr
from trainsense.protocol.try_fixes import try_fixes
from trainsense.protocol.user_setting import user_setting
from trainsense.records.evidence import Arm, FixesTried
from trainsense.records.plan import Effort

TOO_HIGH = 2.5
"""A learning rate of the user's at which the quadratic diverges."""


def tried(
    executor: Quadratic,
    *,
    effort: Effort = COMPLETION,
    steps: float = math.inf,
    lr: float | None = TOO_HIGH,
    **subject: Any,
) -> tuple[Lab, FixesTried | None]:
    """Run the stages up to the fixes."""
    one = lab(executor, steps)
    made = plan(effort, lr=lr, **subject)
    sweep = sweep_lr(one, made)
    assert sweep is not None
    user, check = user_setting(one, made, sweep), check_instability(one, made, sweep)
    return one, try_fixes(one, made, sweep, user, check)


def arms(found: FixesTried | None, fix: str) -> Sequence[Arm]:
    """Return the arms of a fix."""
    assert found is not None
    return [arm for arm in found.arms if arm.fix == fix]


def status(found: FixesTried | None, fix: str) -> str | None:
    """Return the status of the adopted arm of a fix, None if none was."""
    compared = [arm.against_baseline for arm in arms(found, fix) if arm.against_baseline]
    return compared[0].status if compared else None


def noisy(**fields: Any) -> Quadratic:
    """Return a quadratic on which noise limits what is reached."""
    return Quadratic(**{"noise": 3.0, "start": 3.0, "seed_spread": 0.1, **fields})


def test_a_lower_lr_is_verified_on_five_fresh_pairs() -> None:
    """None of them a screening seed."""
    _, found = tried(noisy())
    (arm,) = arms(found, "lower-lr")
    assert arm.against_baseline is not None
    assert arm.against_baseline.status == "verified"
    assert [run.trial.seed for run in arm.runs] == [100, 101, 102, 103, 104]


def test_without_an_lr_the_baseline_is_the_best_one() -> None:
    """And nothing is lowered."""
    _, found = tried(noisy(), lr=None)
    assert found is not None
    assert found.yardstick is not None
    assert found.baseline.lr == found.yardstick.best_lr
    assert not arms(found, "lower-lr")


def test_a_quieter_optimizer_is_adopted_at_its_own_best_lr() -> None:
    """Against the baseline and against the best lr of the user's own."""
    _, found = tried(
        noisy(quieter={"Adam": 0.1}), optimizer="SGD", optimizer_code="SGD({parameters}, lr=lr, momentum=0.9)"
    )
    (arm,) = [arm for arm in arms(found, "change-optimizer") if arm.settings.optimizer == "Adam"]
    assert status(found, "change-optimizer") == "verified"
    assert arm.against_lower_lr is not None
    assert arm.against_lower_lr.status == "verified"
    losses = [run.score for run in arm.screened if run.score is not None]
    assert len(arm.screened) >= 4
    assert arm.screening is not None
    assert arm.screening.score == min(losses)


def test_an_optimizer_that_changes_nothing_is_not_adopted() -> None:
    """And its siblings are not tried."""
    _, found = tried(noisy(), optimizer="SGD", optimizer_code="SGD({parameters}, lr=lr, momentum=0.9)")
    assert [arm.settings.optimizer for arm in arms(found, "change-optimizer")] == ["Adam"]
    assert status(found, "change-optimizer") is None


def test_siblings_are_tried_where_the_first_of_the_family_pays() -> None:
    """Those of the user's own family from lr* on, the other family's first member by a sweep of its own."""
    _, found = tried(
        noisy(start=1.2, quieter={"Adam": 0.7, "NAdam": 0.01}), optimizer="SGD", optimizer_code="SGD(momentum=0.9)"
    )
    assert {arm.settings.optimizer for arm in arms(found, "change-optimizer")} == {"Adam", "AdamW", "NAdam", "RMSprop"}
    adopted = [arm.settings.optimizer for arm in arms(found, "change-optimizer") if arm.against_baseline]
    assert adopted == ["NAdam"]
    _, found = tried(noisy(), optimizer="AdamW", adaptive=True)
    assert {arm.settings.optimizer for arm in arms(found, "change-optimizer")} == {"SGD", "Adam", "NAdam", "RMSprop"}


def test_model_edits_carry_their_names_and_those_that_cannot_be_made_their_reason() -> None:
    """Tried like any other fix."""
    edits = (survey("pre-norm"), survey("reinitialize"), survey("normalize-inputs", "its inputs are whole numbers"))
    _, found = tried(noisy(quieter={"pre-norm": 0.1}), edits=edits)
    assert status(found, "pre-norm") == "verified"
    assert arms(found, "pre-norm")[0].settings.edits == ("pre-norm",)
    assert arms(found, "reinitialize")
    assert status(found, "reinitialize") is None
    assert found is not None
    assert [one.edit for one in found.untested] == ["normalize-inputs"]


def test_what_is_less_simple_and_promises_less_than_what_is_verified_gets_no_pairs() -> None:
    """The budget goes where it decides something."""
    edits = (survey("reinitialize"),)
    _, found = tried(
        noisy(quieter={"Adam": 0.1, "reinitialize": 0.4}), edits=edits, optimizer="SGD", optimizer_code="momentum="
    )
    assert status(found, "change-optimizer") == "verified"
    assert status(found, "reinitialize") is None
    _, alone = tried(noisy(quieter={"reinitialize": 0.4}), edits=edits, optimizer="SGD", optimizer_code="momentum=")
    assert status(alone, "reinitialize") == "verified"


def test_optimizers_and_edits_wait_for_a_reason() -> None:
    """On a healthy workload nothing is changed, whatever it might gain."""
    executor = noisy(quieter={"Adam": 0.1, "pre-norm": 0.1})
    _, found = tried(executor, lr=None, edits=(survey("pre-norm"),), optimizer="SGD", optimizer_code="momentum=")
    assert found is not None
    assert {arm.fix for arm in found.arms} <= {"warmup", "clip-grad-norm", "clip-and-warmup"}
    assert not any(trial.optimizer or trial.edits for trial in executor.ran)


def test_where_nothing_trains_an_edit_rescues() -> None:
    """D is what training achieves under it; the baseline counts as what it is."""
    edits = (survey("pre-norm"), survey("reinitialize"))
    _, found = tried(noisy(needs="reinitialize"), edits=edits, lr=0.1)
    assert status(found, "reinitialize") == "verified"
    assert status(found, "pre-norm") is None
    assert found is not None
    assert found.yardstick is not None
    assert found.yardstick.drop.assessable
    (arm,) = arms(found, "reinitialize")
    assert arm.against_baseline is not None
    assert arm.against_baseline.mean > 0.9


def test_where_nothing_trains_and_nothing_helps_nothing_is_claimed() -> None:
    """Not even screened arms: there is no yardstick to hold them against."""
    _, found = tried(noisy(needs="magic"), edits=(survey("pre-norm"),), lr=0.1)
    assert found is not None
    assert found.arms == ()
    assert found.yardstick is None


@pytest.mark.parametrize("steps", [0, 100, 700, 1500, 3000, 5000, 8000, 12000, 20000])
@pytest.mark.parametrize("needs", [None, "pre-norm"])
def test_no_budget_is_exceeded_and_what_was_left_out_is_told(steps: int, needs: str | None) -> None:
    """Wherever it ends: comparisons hold as many pairs as were run."""
    executor = noisy(quieter={"Adam": 0.1}, needs=needs)
    one = lab(executor, steps)
    made = plan(COMPLETION, lr=TOO_HIGH, edits=(survey("pre-norm"),), optimizer="SGD", optimizer_code="momentum=")
    sweep = sweep_lr(one, made)
    found = None if sweep is None else try_fixes(one, made, sweep, user_setting(one, made, sweep), None)
    assert one.cost().steps <= steps
    assert one.left_out() or one.cost().steps < steps
    for arm in found.arms if found else ():
        for compared in (arm.against_baseline, arm.against_lower_lr):
            assert compared is None or compared.pairs == len(arm.runs)
            assert compared is None or compared.pairs >= 5 or compared.status != "verified"


def test_a_first_look_screens_one_fix_once() -> None:
    """One learning rate above lr*, nothing adopted."""
    _, found = tried(noisy(), effort=ESSENTIALS)
    assert found is not None
    assert [(arm.fix, len(arm.screened)) for arm in found.arms if arm.fix != "lower-lr"] == [("warmup", 1)]
    assert all(arm.against_baseline is None for arm in found.arms)


def test_the_two_together_start_from_what_each_alone_chose() -> None:
    """The threshold of the one, the length of the other, at the higher learning rate or above."""
    _, found = tried(noisy(), effort=REFINEMENTS)
    (both,) = arms(found, "clip-and-warmup")
    clips = {arm.settings.clip_norm for arm in arms(found, "clip-grad-norm")}
    lengths = {arm.settings.warmup_steps for arm in arms(found, "warmup")}
    assert both.settings.clip_norm in clips
    assert both.settings.warmup_steps in lengths


def test_a_command_on_instability_tries_warmup_and_clipping_alone() -> None:
    """Optimizers and model edits are for the whole diagnosis."""
    for needs in (None, "pre-norm"):
        executor = noisy(quieter={"Adam": 0.1}, needs=needs)
        one = lab(executor)
        subject: dict[str, Any] = {"edits": (survey("pre-norm"),), "optimizer": "SGD", "optimizer_code": "momentum="}
        made = replace(plan(COMPLETION, lr=TOO_HIGH, **subject), any_fix=False)
        sweep = sweep_lr(one, made)
        assert sweep is not None
        found = try_fixes(one, made, sweep, user_setting(one, made, sweep), None)
        assert (found is None) is (needs is not None)
        assert not any(trial.optimizer or trial.edits for trial in executor.ran)
