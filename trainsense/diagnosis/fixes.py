"""Arms that were tried, as the fixes of the report, and the one to recommend (PROTOCOL 6.6)."""

from collections.abc import Sequence
from typing import Final

from trainsense.diagnosis.snippets import snippets
from trainsense.measure.paired import ADOPTION_PAIRS
from trainsense.measure.symptoms import SUFFERING_SHARE
from trainsense.records.evidence import Arm, LearningRateSweep, Stabilisation, UserSetting
from trainsense.records.finding import Finding
from trainsense.records.fix import Fix, Improvement, Settings
from trainsense.records.report import Recommendation

SIMPLICITY: Final = ("lower-lr", "raise-lr", "clip-grad-norm", "warmup", "clip-and-warmup")
"""From the simplest change on."""


LR_CHANGES: Final = ("lower-lr", "raise-lr")


def fixes_of(tried: Stabilisation | None) -> tuple[Fix, ...]:
    """Return one fix per name, in the order in which they were tried: the arm that was adopted, else the best screened."""
    if tried is None:
        return ()
    names = list(dict.fromkeys(arm.fix for arm in tried.arms))
    return tuple(_fix(_representative([arm for arm in tried.arms if arm.fix == name]), tried) for name in names)


def _representative(arms: Sequence[Arm]) -> Arm:
    compared = [arm for arm in arms if arm.against_baseline is not None]
    if compared:
        return compared[0]
    return max(arms, key=lambda arm: arm.screened_gain if arm.screened_gain is not None else float("-inf"))


def _fix(arm: Arm, tried: Stabilisation) -> Fix:
    compared = arm.against_baseline
    if compared is None:
        return Fix(
            fix=arm.fix,
            title=_title(arm),
            status="inconclusive",
            settings=arm.settings,
            loss=arm.screening.score if arm.screening else None,
            seeds=1 if arm.screening else 0,
            code=snippets(arm.settings, tried.baseline),
        )
    return Fix(
        fix=arm.fix,
        title=_title(arm),
        status=compared.status,
        settings=arm.settings,
        baseline_loss=compared.baseline_loss,
        loss=compared.loss,
        improvement=Improvement(mean=compared.mean, low=compared.low, high=compared.high),
        seeds=compared.pairs,
        code=snippets(arm.settings, tried.baseline),
    )


def _title(arm: Arm) -> str:
    settings = arm.settings
    lr = f"lr {settings.lr:.3g}"
    return {
        "lower-lr": f"Lower the learning rate to {settings.lr:.3g}",
        "raise-lr": f"Raise the learning rate to {settings.lr:.3g}",
        "warmup": f"Warm up over {settings.warmup_steps} steps to {lr}",
        "clip-grad-norm": f"Clip the gradient norm at {settings.clip_norm or 0:.3g} with {lr}",
    }.get(arm.fix, f"{arm.fix} with {lr}")


def recommend(
    fixes: Sequence[Fix],
    findings: Sequence[Finding],
    tried: Stabilisation | None,
    sweep: LearningRateSweep | None,
    user: UserSetting | None,
) -> Recommendation | None:
    """Return the simplest verified fix whose interval reaches the best one's mean; else what is known to be fine.

    A higher lr is not recommended where the finding says that the user's catches up within the real run.
    """
    if sweep is None or sweep.best_lr is None or not sweep.drop.assessable:
        return None
    if any(finding.rule == "lr-too-low" and finding.severity == "note" for finding in findings):
        fixes = [fix for fix in fixes if fix.fix != "raise-lr"]
        return _best_verified(fixes, tried, sweep) or _kept(sweep, user, tried)
    return _best_verified(fixes, tried, sweep) or _unproven(fixes, tried, sweep, user)


def _best_verified(
    fixes: Sequence[Fix], tried: Stabilisation | None, sweep: LearningRateSweep
) -> Recommendation | None:
    candidates = [fix for fix in fixes if fix.status == "verified" and _beats_lower_lr(fix, tried)]
    if any(fix.fix not in LR_CHANGES for fix in candidates) and any(fix.fix in LR_CHANGES for fix in fixes):
        candidates = [fix for fix in candidates if fix.fix not in LR_CHANGES]  # the others beat it, pair by pair
    gains = [fix.improvement.mean for fix in candidates if fix.improvement]
    if not gains:
        return None
    near = [fix for fix in candidates if fix.improvement and fix.improvement.high >= max(gains)]
    chosen = min(near, key=lambda fix: SIMPLICITY.index(fix.fix) if fix.fix in SIMPLICITY else len(SIMPLICITY))
    return Recommendation(settings=chosen.settings, fixes=(chosen.fix,), why=_why(chosen, sweep))


def _beats_lower_lr(fix: Fix, tried: Stabilisation | None) -> bool:
    """Whether a stabilising fix beat lr* without it, the control; a change of lr to lr* is the control."""
    if fix.fix in LR_CHANGES:
        return True
    arms = [arm for arm in (tried.arms if tried else ()) if arm.fix == fix.fix and arm.settings == fix.settings]
    return any(arm.against_lower_lr is not None and arm.against_lower_lr.status == "verified" for arm in arms)


def _why(fix: Fix, sweep: LearningRateSweep) -> str:
    gain = fix.improvement
    if gain is None or fix.loss is None or fix.baseline_loss is None:
        return fix.title
    warmup = fix.settings.warmup_steps
    price = (
        f"It costs no extra steps: the {warmup} warmup steps were taken out of the {sweep.horizon}."
        if warmup
        else "It costs no extra steps."
    )
    return (
        f"On {fix.seeds} fresh seeds it ended at {fix.loss:.4g} instead of {fix.baseline_loss:.4g}, {gain.mean:.0%} of the "
        f"loss drop (95% interval {gain.low:.0%} to {gain.high:.0%}, {sweep.horizon} steps). {price}"
    )


def _unproven(
    fixes: Sequence[Fix], tried: Stabilisation | None, sweep: LearningRateSweep, user: UserSetting | None
) -> Recommendation:
    """Return the change of lr that the sweep suggests, where it is large; else what the user has, or lr*."""
    gap = None if user is None else user.against_best
    if user is None or gap is None or not (user.fails or gap.mean > SUFFERING_SHARE):
        return _kept(sweep, user, tried)
    best_lr = sweep.best_lr or user.lr
    return Recommendation(
        settings=Settings(lr=best_lr, clip_norm=_clip_norm(user, tried)),
        fixes=("lower-lr" if user.lr > best_lr else "raise-lr",),
        why=f"In the sweep it ended {gap.mean:.0%} of the loss drop lower on {_seeds(gap.pairs)}. That is not yet verified: "
        f"verification takes {ADOPTION_PAIRS} fresh pairs{_how_to_verify(fixes)}.",
    )


def _kept(sweep: LearningRateSweep, user: UserSetting | None, tried: Stabilisation | None) -> Recommendation:
    """Return the user's settings as they are, or lr* where they named none."""
    if user is None:
        return Recommendation(
            settings=Settings(lr=sweep.best_lr or 0.0, clip_norm=_clip_norm(user, tried)),
            fixes=(),
            why=f"Of the learning rates tried it ended lowest after {sweep.horizon} steps on {_seeds(sweep.seeds)}. You gave "
            "no lr to compare with, and no fix was shown to do better.",
        )
    gap = user.against_best.mean if user.against_best else 0.0
    end = f"within {max(gap, 0.0):.1%}" if gap > -SUFFERING_SHARE else f"{-gap:.0%}"
    of_what = "of" if gap > -SUFFERING_SHARE else "below"
    return Recommendation(
        settings=Settings(lr=user.lr, clip_norm=_clip_norm(user, tried)),
        fixes=(),
        why=f"Nothing that was tried does significantly better than your settings over {sweep.horizon} steps: they are fine. "
        f"They end {end} of the loss drop {of_what} the best learning rate found.",
    )


def _seeds(count: int) -> str:
    return f"{count} seed" if count == 1 else f"{count} seeds"


def _clip_norm(user: UserSetting | None, tried: Stabilisation | None) -> float | None:
    if user is not None:
        return user.clip_norm
    return tried.baseline.clip_norm if tried else None


def _how_to_verify(fixes: Sequence[Fix]) -> str:
    return (
        "; give a larger --budget"
        if any(fix.fix in LR_CHANGES for fix in fixes)
        else ", which trainsense diagnose runs"
    )
