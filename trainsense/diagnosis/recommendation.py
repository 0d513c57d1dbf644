"""The one thing to recommend: the simplest verified fix within noise of the best (PROTOCOL 6.6)."""

from collections.abc import Sequence
from typing import Final

from trainsense.diagnosis.fixes import representatives
from trainsense.diagnosis.price import price_of
from trainsense.diagnosis.snippets import snippets
from trainsense.measure.comparing import compare_runs
from trainsense.measure.paired import ADOPTION_PAIRS
from trainsense.measure.symptoms import SUFFERING_SHARE, WORTHWHILE_SHARE
from trainsense.records.evidence import Arm, FixesTried, LearningRateSweep, UserSetting
from trainsense.records.finding import Finding
from trainsense.records.plan import Plan
from trainsense.records.report import Recommendation
from trainsense.records.settings import LR_CHANGES, MODEL_EDITS, Settings

SIMPLICITY: Final = (
    "lower-lr",
    "raise-lr",
    "clip-grad-norm",
    "warmup",
    "clip-and-warmup",
    "change-optimizer",
    *MODEL_EDITS,
)
"""From the simplest change on (PROTOCOL 6.6)."""


def recommend(
    findings: Sequence[Finding],
    tried: FixesTried | None,
    sweep: LearningRateSweep | None,
    user: UserSetting | None,
    plan: Plan,
) -> Recommendation | None:
    """Return the simplest verified fix within noise of the best; else what a seed suggests, or what is known to be fine.

    A higher lr is not recommended where the finding says that the user's catches up within the real run. None where no
    learning rate trains, with or without a fix.
    """
    yardstick = tried.yardstick if tried is not None and tried.yardstick is not None else sweep
    if yardstick is None or yardstick.best_lr is None or not yardstick.drop.assessable:
        return None
    catches_up = any(finding.rule == "lr-too-low" and finding.severity == "note" for finding in findings)
    arms = [arm for arm in (representatives(tried) if tried else []) if not (catches_up and arm.fix == "raise-lr")]
    best = _simplest_verified(arms, yardstick)
    if tried is not None and best is not None:
        return _of(best, tried, plan, why=_why_verified(best, yardstick))
    if tried is not None and not catches_up:
        suggested = _suggested(arms)
        if suggested is not None:
            return _of(suggested, tried, plan, why=_why_suggested(suggested))
    if sweep is None or sweep.best_lr is None or not sweep.drop.assessable:
        return None
    return _kept(sweep, user, plan) if catches_up else _moved(sweep, user, tried, plan)


def _simplest_verified(arms: Sequence[Arm], sweep: LearningRateSweep) -> Arm | None:
    """Return the simplest of the verified arms that the best of them does not beat, pair by pair on the same seeds."""
    candidates = [arm for arm in arms if _verified(arm)]
    if not candidates:
        return None
    best = max(candidates, key=lambda arm: arm.against_baseline.mean if arm.against_baseline else 0.0)
    return min((arm for arm in candidates if not _beats(best, arm, sweep)), key=lambda arm: SIMPLICITY.index(arm.fix))


def _verified(arm: Arm) -> bool:
    """Whether an arm beat the baseline and, where it is no change of lr, lr* without it: the control."""
    if arm.refused or arm.against_baseline is None or arm.against_baseline.status != "verified":
        return False
    return arm.against_lower_lr is None or arm.fix in LR_CHANGES or arm.against_lower_lr.status == "verified"


def _beats(best: Arm, arm: Arm, sweep: LearningRateSweep) -> bool:
    if best is arm:
        return False
    compared = compare_runs(arm.runs, best.runs, sweep)
    return compared is not None and compared.status == "verified"


def _suggested(arms: Sequence[Arm]) -> Arm | None:
    """Return the arm that did best on the screening seed, where nothing is verified and it gained enough to be proposed."""
    worth = [
        arm
        for arm in arms
        if not arm.refused
        and (arm.screened_gain or 0.0) > WORTHWHILE_SHARE
        and (arm.against_baseline is None or arm.against_baseline.status == "inconclusive")
    ]
    return max(worth, key=lambda arm: arm.screened_gain or 0.0, default=None)


def _of(arm: Arm, tried: FixesTried, plan: Plan, *, why: str) -> Recommendation:
    return Recommendation(
        settings=arm.settings,
        fixes=(arm.fix,),
        why=why,
        price=price_of(arm, plan),
        code=snippets(arm.settings, tried.baseline, plan.subject),
    )


def _why_verified(arm: Arm, sweep: LearningRateSweep) -> str:
    gain = arm.against_baseline
    if gain is None:
        return ""
    within = f", the {arm.settings.warmup_steps} warmup steps among them" if arm.settings.warmup_steps else ""
    first = (
        f"On {gain.pairs} fresh seeds it ended at {gain.loss:.4g} instead of {gain.baseline_loss:.4g}, {gain.mean:.0%} of the "
        f"loss drop (95% interval {gain.low:.0%} to {gain.high:.0%}, {sweep.horizon} steps{within})."
    )
    return f"{first} {_second(arm)}".rstrip()


def _second(arm: Arm) -> str:
    """Return the sentence on the controls: the lower lr, and the extra steps."""
    lower, front = arm.against_lower_lr, arm.prepended
    told = ""
    if lower is not None and lower != arm.against_baseline and arm.fix not in LR_CHANGES:
        told = f"It beats the best lr without it by {lower.mean:.0%} ({lower.low:.0%} to {lower.high:.0%})"
    if front is not None:
        gain = front.against_baseline
        also = (
            f"in front of the run ({front.steps} steps) its best checkpoint is {gain.loss:.4g}, that of your setting with as "
            f"many steps {gain.baseline_loss:.4g}"
        )
        told = f"{told}; {also}" if told else also[0].upper() + also[1:]
    return f"{told}." if told else ""


def _why_suggested(arm: Arm) -> str:
    compared = arm.against_baseline
    if compared is not None:
        return (
            f"It looks better, by {compared.mean:.0%} of the loss drop, and {compared.pairs} fresh pairs do not settle it (95% "
            f"interval {compared.low:.0%} to {compared.high:.0%}). A larger --budget or --steps may."
        )
    return (
        f"On the first seed it ended {arm.screened_gain or 0:.0%} of the loss drop below the best lr without it. That is not "
        f"yet verified: verification takes {ADOPTION_PAIRS} fresh pairs; give a larger --budget."
    )


def _moved(sweep: LearningRateSweep, user: UserSetting | None, tried: FixesTried | None, plan: Plan) -> Recommendation:
    """Return the change of lr that the sweep suggests, where it is large; else what the user has, or lr*."""
    gap = None if user is None else user.against_best
    if user is None or gap is None or not (user.fails or gap.mean > SUFFERING_SHARE):
        return _kept(sweep, user, plan)
    settings = Settings(lr=sweep.best_lr or user.lr, clip_norm=user.clip_norm)
    how = "; give a larger --budget" if tried is not None and tried.arms else ", which trainsense diagnose runs"
    return Recommendation(
        settings=settings,
        fixes=("lower-lr" if user.lr > settings.lr else "raise-lr",),
        why=f"In the sweep it ended {gap.mean:.0%} of the loss drop lower on {_seeds(gap.pairs)}. That is not yet verified: "
        f"verification takes {ADOPTION_PAIRS} fresh pairs{how}.",
        price="no extra steps",
        code=snippets(settings, Settings(lr=user.lr, clip_norm=user.clip_norm), plan.subject),
    )


def _kept(sweep: LearningRateSweep, user: UserSetting | None, plan: Plan) -> Recommendation:
    """Return the user's settings as they are, or lr* where they named none."""
    if user is None:
        settings = Settings(lr=sweep.best_lr or 0.0, clip_norm=plan.subject.clip_norm)
        compared = "You gave no lr to compare with"
        if plan.subject.lr is not None:
            compared = f"Your lr {plan.subject.lr:.3g} did not fit the budget, so that it is not compared with it"
        return Recommendation(
            settings=settings,
            fixes=(),
            why=f"Of the learning rates tried it ended lowest after {sweep.horizon} steps on {_seeds(sweep.seeds)}. {compared}, "
            "and no fix was shown to do better.",
            price="no extra steps",
            code=snippets(settings, settings, plan.subject),
        )
    gap = user.against_best.mean if user.against_best else 0.0
    end = f"within {max(gap, 0.0):.1%}" if gap > -SUFFERING_SHARE else f"{-gap:.0%}"
    of_what = "of" if gap > -SUFFERING_SHARE else "below"
    return Recommendation(
        settings=Settings(lr=user.lr, clip_norm=user.clip_norm),
        fixes=(),
        why=f"Nothing that was tried does significantly better than your settings over {sweep.horizon} steps: they are fine. "
        f"They end {end} of the loss drop {of_what} the best learning rate found.",
        price="no extra steps",
    )


def _seeds(count: int) -> str:
    return f"{count} seed" if count == 1 else f"{count} seeds"
