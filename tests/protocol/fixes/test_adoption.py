"""Fresh pairs decide: what helps is verified, what hurts is rejected, what clips everything is refused."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from tests import cases
from tests.fakes import REFINEMENTS, Quadratic, lab, plan
from trainsense.executors.in_process import InProcess
from trainsense.lab import Lab
from trainsense.measure.gradient_norms import norm_percentiles
from trainsense.protocol.fixes.adoption import adopted
from trainsense.protocol.fixes.common_ground import CommonGround
from trainsense.protocol.fixes.prepending import best_prepended
from trainsense.protocol.fixes.screening import chosen, climb
from trainsense.protocol.sweep_lr import sweep_lr
from trainsense.records.evidence import Arm
from trainsense.records.settings import Settings
from trainsense.runners.bench import prepare

PROMISING = 0.5


def ground_of(one: Lab, **subject: Any) -> CommonGround:
    """Return the common ground of a workload: lr* is baseline and control."""
    made = plan(REFINEMENTS, **subject)
    sweep = sweep_lr(one, made)
    assert sweep is not None
    assert sweep.best_lr is not None
    best = Settings(lr=sweep.best_lr)
    return CommonGround(one, made, sweep, best, control=best)


def ground(executor: Quadratic, **subject: Any) -> CommonGround:
    """Return that of a quadratic."""
    return ground_of(lab(executor), **subject)


def noisy(**fields: Any) -> Quadratic:
    """Return a quadratic on which noise limits what is reached."""
    return Quadratic(**{"noise": 3.0, "start": 3.0, "seed_spread": 0.1, **fields})


def forced(fix: str, settings: Settings) -> Arm:
    """Return an arm that is adopted whatever screening would have said."""
    return Arm(fix=fix, settings=settings, screened_gain=PROMISING)


@pytest.fixture(scope="module")
def real() -> CommonGround:
    """Return that of a tiny network that is really trained."""

    def shuffled() -> list[tuple[torch.Tensor, torch.Tensor]]:
        return [(cases.ROWS[rows], cases.TARGETS[rows]) for rows in torch.randperm(32).reshape(4, 8)]

    bench = prepare(cases.workload(optimizer=cases.sgd, data=shuffled), cases.CPU, 0)
    return ground_of(Lab(InProcess(bench)), horizon=100)


@pytest.mark.parametrize("fix", ["clip-grad-norm", "warmup"])
def test_a_fix_known_to_hurt_is_rejected(real: CommonGround, fix: str) -> None:
    """Clipping at a hundredth of the median norm; a warmup of half the run."""
    best = real.sweep.best
    assert best is not None
    norms = norm_percentiles(best.runs[0].trace.grad_norm)
    assert norms is not None
    harmful = {
        "clip-grad-norm": replace(real.control, clip_norm=norms.over_all[50] / 100),
        "warmup": replace(real.control, warmup_steps=50),
    }
    (arm,) = adopted(real, [forced(fix, harmful[fix])])
    assert arm.against_baseline is not None
    assert arm.against_baseline.status == "rejected"
    assert arm.against_baseline.mean < 0


def test_what_clips_most_updates_is_refused_unless_the_optimizer_is_adaptive() -> None:
    """Then it only lowers the learning rate (PROTOCOL 4.4)."""
    for adaptive in (False, True):
        here = ground(noisy(), adaptive=adaptive)
        (arm,) = adopted(here, [forced("clip-grad-norm", replace(here.control, clip_norm=0.1))])
        assert bool(arm.refused) is not adaptive


def test_nothing_is_adopted_that_was_not_promising() -> None:
    """One seed is enough to leave it."""
    here = ground(noisy())
    arm = replace(forced("warmup", replace(here.control, warmup_steps=6)), screened_gain=0.0)
    assert adopted(here, [arm]) == [arm]


def test_an_undecided_fix_gets_five_more_pairs_once() -> None:
    """Ten in all, and then it is inconclusive."""

    class Moody(Quadratic):
        """Every third seed gains much, the others lose a little."""

        def answer(self, trial: Any) -> Any:
            run = super().answer(trial)
            change = 0.0 if trial.optimizer is None or run.score is None else (-1.0, 0.4, 0.4)[trial.seed % 3]
            return run if run.score is None else replace(run, score=run.score + change)

    here = ground(Moody(noise=3.0, start=3.0))
    (arm,) = adopted(here, [forced("change-optimizer", replace(here.control, optimizer="Adam"))])
    assert arm.against_baseline is not None
    assert arm.against_baseline.status in ("inconclusive", "rejected")
    assert arm.against_baseline.pairs in (5, 10)
    assert arm.against_baseline.pairs == (10 if arm.against_baseline.mean > 0.02 else 5)


def test_more_fixes_make_each_harder_to_verify() -> None:
    """Holm's procedure widens the intervals."""
    here = ground(noisy(quieter={"Adam": 0.5, "reinitialize": 0.6, "pre-norm": 0.7}, seed_spread=0.5))
    arms = [
        forced("change-optimizer", replace(here.control, optimizer="Adam")),
        forced("reinitialize", replace(here.control, edits=("reinitialize",))),
        forced("pre-norm", replace(here.control, edits=("pre-norm",))),
    ]
    alone, together = adopted(here, arms[:1])[0].against_baseline, adopted(here, arms)[0].against_baseline
    assert alone is not None
    assert together is not None
    assert together.high - together.low > alone.high - alone.low


def test_a_warmup_in_front_of_the_run_is_held_against_as_many_extra_steps() -> None:
    """Both sides train N + w steps, evaluated at the same spacing."""
    here = ground(noisy())
    won = adopted(here, [forced("warmup", replace(here.control, warmup_steps=6))])[0]
    assert best_prepended(here, [won]) == [won]  # not verified: nothing to apply
    comparison = won.against_baseline
    assert comparison is not None
    verified = replace(comparison, status="verified")
    (arm,) = best_prepended(here, [replace(won, against_baseline=verified, against_lower_lr=verified)])
    assert arm.prepended is not None
    assert arm.prepended.steps == here.plan.horizon + 6
    assert arm.prepended.against_baseline.pairs == 5


def test_the_mildest_variant_within_noise_is_chosen() -> None:
    """The short warmup, the high threshold; what is refused only where all is."""
    arms = [
        replace(forced("warmup", Settings(lr=0.1, warmup_steps=steps)), screened_gain=gain)
        for steps, gain in ((100, 0.5), (30, 0.49), (10, 0.3))
    ]
    picked = chosen(arms)
    assert picked is not None
    assert picked.settings.warmup_steps == 30
    refused = [replace(arms[0], refused="it clips 90% of the updates"), arms[2]]
    assert chosen(refused) is arms[2]
    assert chosen(refused[:1]) is refused[0]
    assert chosen([]) is None


def test_a_climb_stops_where_training_fails() -> None:
    """One failing learning rate is enough; the user's own is tried all the same where it is to be rescued."""
    here = ground(noisy())
    arm = climb(here, "warmup", replace(here.control, warmup_steps=6))
    assert arm is not None
    assert sum(reason is not None for reason in arm.infeasible) <= 1
    here.user_lr = 50.0
    again = climb(here, "warmup", replace(here.control, warmup_steps=6))
    assert again is not None
    assert again.screened[-1].trial.lr == 50.0
