"""The judgement that lr-too-high and lr-too-low share; they differ in the side of lr* on which the user's lr lies."""

import math
from enum import Enum
from typing import Final

from trainsense.records.comparison import Comparison
from trainsense.records.evidence import LearningRateSweep, Stabilisation, UserSetting
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed, Severity

WORSE_SHARE: Final = 0.1
"""Worse than lr* by this share of D is a finding (PROTOCOL 2.7)."""
ERROR_SHARE: Final = 0.5
"""From this share of D on it is an error (PROTOCOL 2.7)."""
SINGLE_SEED_SHARE: Final = 0.25
"""With one seed there is no interval: only a gap this large is told."""
CLOSING: Final = 0.7
"""A gap that shrinks below this share of itself from half the horizon to the horizon is closing."""


class Side(Enum):
    """On which side of lr* the user's lr lies."""

    ABOVE = "high"
    BELOW = "low"


def judge_side(
    rule: str,
    side: Side,
    sweep: LearningRateSweep,
    user: UserSetting,
    tried: Stabilisation | None,
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
    if not fails and (not outside or gap.mean <= WORSE_SHARE):
        return Passed(rule=rule, text=f"your lr {user.lr:.3g} ends {max(gap.mean, 0):.1%} of the drop above the best")
    if not fails and not _shown(gap):
        return NotAssessed(
            rule=rule,
            reason=f"your lr {user.lr:.3g} ended {gap.mean:.0%} of the loss drop above lr {sweep.best_lr:.3g}, but the "
            f"interval of {gap.pairs} pairs holds zero; more --seeds would settle it",
        )
    severity: Severity = "error" if fails or gap.mean >= ERROR_SHARE else "warning"
    closing = side is Side.BELOW and severity == "warning" and _closes(sweep, user)
    return Finding(
        rule=rule,
        severity="note" if closing else severity,
        title=f"Your lr {user.lr:.3g} is too {side.value}: lr {sweep.best_lr:.3g} does better",
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


def _fresh_pairs(tried: Stabilisation | None) -> Comparison | None:
    """Return the comparison of the user's setting with lr* on fresh seeds, where it has settled that lr* is better."""
    arms = [arm for arm in (tried.arms if tried else ()) if arm.fix in ("lower-lr", "raise-lr")]
    settled = [arm.against_baseline for arm in arms if arm.against_baseline and arm.against_baseline.low > 0]
    return settled[0] if settled else None


def _shown(gap: Comparison) -> bool:
    return gap.low > 0 if gap.pairs > 1 else gap.mean > SINGLE_SEED_SHARE


def _closes(sweep: LearningRateSweep, user: UserSetting) -> bool:
    """Whether the gap closes with training and the real run is long enough to make it small, or of unknown length."""
    half, full = user.half_horizon_gap, user.horizon_gap
    if half is None or full is None or half <= 0 or full >= CLOSING * half:
        return False
    if user.max_train_steps is None:
        return True
    power = math.log2(half / max(full, 1e-9))
    return bool(full * (sweep.horizon / user.max_train_steps) ** power < WORSE_SHARE)


def _detail(sweep: LearningRateSweep, user: UserSetting, gap: Comparison, *, fails: bool, closing: bool) -> str:
    seeds = f"{gap.pairs} {'seed' if gap.pairs == 1 else 'seeds'}"
    if fails:
        reasons = sorted({reason for reason in user.infeasible if reason})
        first = f"At lr {user.lr:.3g} training fails ({', '.join(reasons)}) on {seeds} within {sweep.horizon} steps."
    else:
        first = (
            f"After {sweep.horizon} steps it ends at {gap.baseline_loss:.4g}, {gap.mean:.0%} of the loss drop above the "
            f"{gap.loss:.4g} of lr {sweep.best_lr:.3g} ({seeds})."
        )
    if closing:
        return (
            f"{first} The gap is closing, and your run is longer than that or of unknown length: a lower learning rate may "
            "be right for it. Give max_train_steps, or raise --steps, to settle it."
        )
    low, high = sweep.best_range or (0.0, 0.0)
    ties = f" Learning rates from {low:.3g} to {high:.3g} cannot be told from the best." if low < high else ""
    return f"{first}{ties}"
