"""The judgement that lr-too-high and lr-too-low share; they differ in the side of lr* on which the user's lr lies."""

from enum import Enum
from typing import Final

from trainsense.measure.symptoms import BADLY_HURT_SHARE, SUFFERING_SHARE
from trainsense.records.comparison import Comparison
from trainsense.records.evidence import FixesTried, LearningRateSweep, UserSetting
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed, Severity

SINGLE_SEED_SHARE: Final = 0.25
"""With one seed there is no interval: only a gap this large is told."""
CLOSING: Final = 0.8
"""A gap that shrinks below this share of itself from half the horizon to the horizon is closing."""
CATCH_UP_SHARE: Final = 0.3
"""A low lr that has caught up within this share of the real run is no fault: the best constant lr falls with the horizon
(PROTOCOL 2.6), and how far training comes goes with lr times steps."""
REASONS: Final = {
    "below-half-drop": "it achieves less than half of what it could",
    "input-collapse": "the model comes to ignore its inputs",
    "loss-explosion": "the loss explodes",
    "non-finite-loss": "the loss becomes NaN or infinite",
    "non-finite-gradient": "the gradient becomes NaN or infinite",
    "non-finite-parameter": "the weights become NaN or infinite",
    "non-finite-probe": "the loss on fixed batches becomes NaN or infinite",
    "uncharacteristic-loss": "it ends far above its neighbours",
    "exception": "the code raises",
    "out-of-memory": "memory runs out",
}
"""Reason codes of infeasible trials, in words."""


class Side(Enum):
    """On which side of lr* the user's lr lies."""

    ABOVE = "high"
    BELOW = "low"


def judge_side(
    rule: str,
    side: Side,
    sweep: LearningRateSweep,
    user: UserSetting,
    tried: FixesTried | None,
    *,
    fixes: tuple[str, ...],
) -> Judgement:
    """Judge the user's lr on one side of lr*."""
    if sweep.best_lr is None or user.against_best is None:
        return NotAssessed(rule=rule, reason="no learning rate trained measurably within the horizon; raise --steps")
    gap = _fresh_pairs(tried) or user.against_best
    low, high = sweep.best_range or (sweep.best_lr, sweep.best_lr)
    outside = user.lr > high if side is Side.ABOVE else user.lr < low
    fails = side is Side.ABOVE and user.fails and user.lr > sweep.best_lr
    if not fails and (not outside or gap.mean <= SUFFERING_SHARE):
        return Passed(rule=rule, text=f"your lr {user.lr:.3g} ends {max(gap.mean, 0):.1%} of the drop above the best")
    if not fails and not _shown(gap):
        return NotAssessed(
            rule=rule,
            reason=f"your lr {user.lr:.3g} ended {gap.mean:.0%} of the loss drop above lr {sweep.best_lr:.3g}, but the "
            f"interval of {gap.pairs} pairs holds zero; more --seeds would settle it",
        )
    severity: Severity = "error" if fails or gap.mean >= BADLY_HURT_SHARE else "warning"
    closing = side is Side.BELOW and _catches_up(sweep, user, gap)
    return Finding(
        rule=rule,
        severity="note" if closing else severity,
        title=f"Your lr {user.lr:.3g} is low for {sweep.horizon} steps, and may be right for your run"
        if closing
        else f"Your lr {user.lr:.3g} is too {side.value}: lr {sweep.best_lr:.3g} does better",
        detail=_detail(sweep, user, gap, fails=fails, closing=closing),
        evidence={
            "lr": user.lr,
            "best_lr": sweep.best_lr,
            "best_range_low": low,
            "best_range_high": high,
            "loss": gap.baseline_loss,
            "best_loss": gap.loss,
            "share_of_drop": gap.mean,
            "low": gap.low,
            "high": gap.high,
            "pairs": gap.pairs,
        },
        plots=("lr-axis",),
        fixes=fixes,
    )


def _fresh_pairs(tried: FixesTried | None) -> Comparison | None:
    """Return the comparison of the user's setting with lr* on fresh seeds, where it has settled that lr* is better."""
    arms = [arm for arm in (tried.arms if tried else ()) if arm.fix in ("lower-lr", "raise-lr")]
    settled = [arm.against_baseline for arm in arms if arm.against_baseline and arm.against_baseline.low > 0]
    return settled[0] if settled else None


def _shown(gap: Comparison) -> bool:
    return gap.low > 0 if gap.pairs > 1 else gap.mean > SINGLE_SEED_SHARE


def _catch_up_steps(sweep: LearningRateSweep, user: UserSetting) -> float:
    """Return after how many steps the user's lr has come as far as lr* within the horizon, if lr times steps is what counts."""
    return sweep.horizon * (sweep.best_lr or user.lr) / user.lr


def _catches_up(sweep: LearningRateSweep, user: UserSetting, gap: Comparison) -> bool:
    """Whether the real run leaves the user's low lr the time it needs, or may: the gap closes and its length is unknown."""
    if user.max_train_steps is not None:
        return _catch_up_steps(sweep, user) <= CATCH_UP_SHARE * user.max_train_steps
    half, full = user.half_horizon_gap, user.horizon_gap
    return gap.mean < BADLY_HURT_SHARE and half is not None and full is not None and 0 < full < CLOSING * half


def _detail(sweep: LearningRateSweep, user: UserSetting, gap: Comparison, *, fails: bool, closing: bool) -> str:
    seeds = f"{gap.pairs} {'seed' if gap.pairs == 1 else 'seeds'}"
    if fails:
        reasons = sorted({reason for reason in user.infeasible if reason})
        told = " and ".join(REASONS.get(reason, reason) for reason in reasons)
        first = f"At lr {user.lr:.3g} training fails within {sweep.horizon} steps: {told}."
    else:
        first = (
            f"After {sweep.horizon} steps it ends at {gap.baseline_loss:.4g}, {gap.mean:.0%} of the loss drop above the "
            f"{gap.loss:.4g} of lr {sweep.best_lr:.3g} ({seeds})."
        )
    if closing:
        planned = user.max_train_steps
        when = f"at this ratio after about {_catch_up_steps(sweep, user):,.0f} steps"
        told = (
            f"{when} of your {planned:,}"
            if planned
            else "and yours may be right for a longer run; give max_train_steps"
        )
        return f"{first} Low learning rates catch up: {told}."
    low, high = sweep.best_range or (0.0, 0.0)
    ties = f" Learning rates from {low:.3g} to {high:.3g} cannot be told from the best." if low < high else ""
    return f"{first}{ties}"
