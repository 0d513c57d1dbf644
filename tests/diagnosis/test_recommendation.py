"""What is recommended: the simplest verified fix that the best one does not beat, pair by pair."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes import Quadratic, plan, survey
from trainsense.diagnosis.fixes import fixes_of, with_what_helped
from trainsense.diagnosis.recommendation import recommend
from trainsense.records.comparison import Comparison, ComparisonStatus
from trainsense.records.evidence import Arm, Drop, FixesTried, LearningRateSweep, Prepended, SweepPoint, UserSetting
from trainsense.records.finding import Finding
from trainsense.records.run import Run
from trainsense.records.settings import Settings
from trainsense.records.trial import Trial

BEST_LR = 0.1
DROP = 2.0
SEEDS = (100, 101, 102, 103, 104)
NOISE = (0.0, 0.01, -0.01, 0.02, -0.02)


def run(score: float, seed: int, lr: float = BEST_LR) -> Run:
    """Return a run that completed with a score."""
    answer = Quadratic(start=1.0).answer(Trial(lr=lr, seed=seed, steps=30))
    return replace(answer, score=score, initial_loss=2.5)


def runs(score: float) -> tuple[Run, ...]:
    """Return the fresh runs of a fix around a score."""
    return tuple(run(score + noise, seed) for seed, noise in zip(SEEDS, NOISE, strict=True))


def compared(gain: float, status: ComparisonStatus = "verified") -> Comparison:
    """Return a comparison."""
    return Comparison(
        pairs=5,
        mean=gain,
        low=gain - 0.01,
        high=gain + 0.01,
        margin=0.02,
        sign_flip_p=1 / 32,
        baseline_loss=2.0,
        loss=2.0 - gain * DROP,
        status=status,
    )


def arm(fix: str, score: float, *, lower: ComparisonStatus | None = "verified", **changes: Any) -> Arm:
    """Return an arm that was adopted and verified against the baseline, whose loss was 2."""
    fields: dict[str, Any] = {
        "settings": Settings(lr=BEST_LR),
        "screened": (run(score, 0),),
        "infeasible": (None,),
        "screened_gain": 0.3,
        "against_baseline": compared((2.0 - score) / DROP),
        "against_lower_lr": None if lower is None else compared(0.1, lower),
        "runs": runs(score),
    }
    return Arm(fix=fix, **{**fields, **changes})


SWEEP = LearningRateSweep(
    horizon=30,
    bracket=None,
    points=(SweepPoint(lr=BEST_LR, runs=(run(0.5, 0),), infeasible=(None,)),),
    scores=(0.5,),
    drop=Drop(initial=2.5, trivial=None, best=0.5, standard_error=0.01),
    best_lr=BEST_LR,
    best_range=(BEST_LR, BEST_LR),
    edge_lr=BEST_LR,
    unstable_lr=0.2,
    best_lr_half_horizon=BEST_LR,
    lr_sensitivity=0.1,
    stable_decades=0.3,
    reference_gap=None,
    reference_spread=None,
    seeds=3,
)
USER = UserSetting(
    lr=0.5,
    runs=(),
    infeasible=("below-half-drop",),
    at_best=(),
    against_best=compared(0.7),
    half_horizon_gap=None,
    horizon_gap=None,
)


def tried(*arms: Arm, **changes: Any) -> FixesTried:
    """Return the evidence."""
    fields: dict[str, Any] = {"symptoms": ("training at your lr 0.5 is hurt",), "baseline": Settings(lr=0.5)}
    return FixesTried(**{**fields, "arms": arms, "yardstick": SWEEP, **changes})


def recommended(*arms: Arm, findings: Sequence[Finding] = (), **subject: Any) -> tuple[str, ...]:
    """Return the names of the fixes recommended."""
    advice = recommend(findings, tried(*arms), SWEEP, USER, plan(lr=0.5, **subject))
    assert advice is not None
    return advice.fixes


LOWER = arm("lower-lr", 0.6, lower=None)
CLIP = arm("clip-grad-norm", 0.4, settings=Settings(lr=0.2, clip_norm=1.0))
WARMUP = arm("warmup", 0.4, settings=Settings(lr=0.2, warmup_steps=10))
BOTH = arm("clip-and-warmup", 0.2, settings=Settings(lr=0.2, warmup_steps=10, clip_norm=1.0))


def test_the_simplest_within_noise_of_the_best() -> None:
    """A lower lr if nothing beats it, clipping before warmup; both only where they beat either."""
    assert recommended(LOWER) == ("lower-lr",)
    assert recommended(LOWER, CLIP) == ("clip-grad-norm",)
    assert recommended(LOWER, WARMUP, CLIP) == ("clip-grad-norm",)
    assert recommended(LOWER, WARMUP, CLIP, BOTH) == ("clip-and-warmup",)
    near = replace(BOTH, runs=runs(0.39), against_baseline=compared(0.81))
    assert recommended(LOWER, WARMUP, CLIP, near) == ("clip-grad-norm",)
    edit = arm("pre-norm", 0.39, settings=Settings(lr=0.2, edits=("pre-norm",)))
    assert recommended(edit, WARMUP) == ("warmup",)


@pytest.mark.parametrize("status", ["rejected", "inconclusive"])
def test_a_fix_that_does_not_beat_the_lower_lr_is_not_recommended(status: ComparisonStatus) -> None:
    """Whatever it gains on the user's setting: the control has to be beaten."""
    warmup = replace(WARMUP, runs=runs(0.6), against_lower_lr=compared(0.0, status))
    assert recommended(LOWER, warmup) == ("lower-lr",)
    fix = fixes_of(tried(LOWER, warmup), (), USER, plan(lr=0.5))[1]
    assert fix.status == "verified"
    assert "does not beat the best lr without it" in fix.reason


def test_too_few_pairs_are_said_to_be_that() -> None:
    """Not that the fix does not beat the control."""
    few = replace(compared(0.2, "inconclusive"), pairs=4)
    warmup = replace(WARMUP, against_baseline=few, against_lower_lr=few)
    fix = fixes_of(tried(LOWER, warmup), (), USER, plan(lr=0.5))[1]
    assert "4 of the 5 fresh pairs" in fix.reason
    assert recommended(LOWER, warmup) == ("lower-lr",)


def test_what_is_refused_is_never_recommended() -> None:
    """More than half of the updates clipped, say."""
    refused = replace(CLIP, refused="it clips 80% of the updates")
    assert recommended(LOWER, refused) == ("lower-lr",)
    (fix,) = [fix for fix in fixes_of(tried(LOWER, refused), (), USER, plan(lr=0.5)) if fix.fix == "clip-grad-norm"]
    assert "80%" in fix.reason


def test_without_anything_verified_what_a_seed_suggests_is_said_to_be_that() -> None:
    """Not verified, and how it would be."""
    screened = replace(WARMUP, against_baseline=None, against_lower_lr=None, runs=())
    advice = recommend((), tried(screened), SWEEP, USER, plan(lr=0.5))
    assert advice is not None
    assert advice.fixes == ("warmup",)
    assert "not yet verified" in advice.why
    weak = replace(screened, screened_gain=0.03)
    assert recommended(weak) == ("lower-lr",)  # what the sweep itself suggests


def test_where_nothing_helps_the_users_settings_are_fine() -> None:
    """And it says so."""
    content = replace(USER, infeasible=(None,), against_best=compared(0.01))
    nothing = replace(WARMUP, against_baseline=compared(0.0, "rejected"), screened_gain=0.0)
    advice = recommend((), tried(nothing), SWEEP, content, plan(lr=0.5))
    assert advice is not None
    assert advice.fixes == ()
    assert advice.settings.lr == 0.5
    assert "they are fine" in advice.why


def test_the_price_and_the_code_come_with_it() -> None:
    """More steps for a warmup, as a share of the planned run; lines for three frameworks."""
    front = Prepended(steps=40, against_baseline=compared(0.8), crossed=False)
    best = replace(BOTH, prepended=front)
    advice = recommend((), tried(LOWER, best), SWEEP, USER, plan(lr=0.5, max_train_steps=200))
    assert advice is not None
    assert "10 more steps, 5.0% of your 200" in advice.price
    assert "in front of the run (40 steps)" in advice.why
    assert set(advice.code) == {"pytorch", "lightning", "transformers"}
    assert "clip_grad_norm_" in advice.code["pytorch"]


def test_where_nothing_trains_without_a_fix_the_yardstick_is_that_of_the_fix() -> None:
    """The sweep itself has no D."""
    flat = replace(SWEEP, best_lr=None, drop=Drop(initial=2.5, trivial=None, best=2.5, standard_error=0.1))
    edit = arm("reinitialize", 0.4, settings=Settings(lr=0.2, edits=("reinitialize",)))
    assert recommend((), None, flat, USER, plan(lr=0.5)) is None
    advice = recommend((), tried(edit), flat, USER, plan(lr=0.5))
    assert advice is not None
    assert advice.fixes == ("reinitialize",)


def test_untested_fixes_carry_their_reason_and_the_advice_in_words() -> None:
    """Edits that do not fit this model, and what has to be made by hand."""
    unfit = survey("pre-norm", "None of its residual sums is normalised.")
    growing = Finding(
        rule="attention-logits-growing", severity="warning", title="", detail="", fixes=("qk-norm", "lower-lr")
    )
    fixes = {fix.fix: fix for fix in fixes_of(tried(LOWER, untested=(unfit,)), [growing], USER, plan(lr=0.5))}
    assert list(fixes) == ["lower-lr", "pre-norm", "qk-norm", "z-loss"]
    assert {name: fix.status for name, fix in fixes.items() if name != "lower-lr"} == dict.fromkeys(
        ("pre-norm", "qk-norm", "z-loss"), "untested"
    )
    assert "None of its residual sums" in fixes["pre-norm"].reason
    assert "QK-norm" in fixes["qk-norm"].title
    assert all(fix.improvement is None for fix in fixes.values() if fix.status == "untested")


def test_a_finding_names_what_helped_first_and_drops_what_was_rejected() -> None:
    """Notes keep the fixes of their kind."""
    found = Finding(rule="early-instability", severity="error", title="", detail="", fixes=("warmup", "clip-grad-norm"))
    rejected = replace(WARMUP, against_baseline=compared(-0.1, "rejected"))
    fixes = fixes_of(tried(LOWER, rejected, CLIP), (), USER, plan(lr=0.5))
    assert with_what_helped(found, fixes).fixes == ("clip-grad-norm", "lower-lr")
    assert with_what_helped(replace(found, severity="note"), fixes).fixes == found.fixes


def test_a_larger_threshold_of_the_users_own_is_a_fix_too() -> None:
    """As the user's setting was tried with it, at their own lr."""
    looser = Arm(fix="clip-grad-norm", settings=Settings(lr=0.5, clip_norm=2.0), against_baseline=compared(0.3))
    evidence = tried(looser, baseline=Settings(lr=0.5, clip_norm=0.1))
    (fix,) = fixes_of(evidence, (), USER, plan(lr=0.5, clip_norm=0.1))
    assert (fix.fix, fix.status, fix.settings.clip_norm) == ("clip-grad-norm", "verified", 2.0)
    assert recommended(looser) == ("clip-grad-norm",)
