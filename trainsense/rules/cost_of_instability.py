"""What instability costs here, and so how severe it is (PROTOCOL 1)."""

from dataclasses import dataclass

from trainsense.measure.symptoms import BADLY_HURT_SHARE, STABILISING, stabilising_pays, suffers
from trainsense.records.evidence import Arm, FixesTried, UserSetting
from trainsense.records.finding import Severity


@dataclass(frozen=True, kw_only=True)
class Cost:
    """How severe an instability is, and the sentence that says why."""

    severity: Severity
    text: str


def paying_arm(tried: FixesTried | None) -> Arm | None:
    """Return the stabilising fix that beat lr* without it on fresh pairs, the one with the largest gain."""
    if tried is None:
        return None
    paying = [arm for arm in tried.arms if stabilising_pays(arm)]
    return max(paying, key=lambda arm: arm.against_lower_lr.mean if arm.against_lower_lr else 0.0, default=None)


def badly_hurt(user: UserSetting) -> bool:
    """Return whether the user's setting fails, loses half of the drop, or mostly does not recover from what it suffers."""
    lost = user.against_best is not None and user.against_best.mean >= BADLY_HURT_SHARE
    lasting = [run for run in user.runs if run.event is not None and not run.event.recovered]
    return user.fails or lost or 2 * len(lasting) > len(user.runs)


def cost_of_instability(user: UserSetting | None, tried: FixesTried | None, *, in_user_runs: bool) -> Cost:
    """Return error where the user's own setting suffers badly, warning where it suffers at all or where a stabilising fix pays, else note."""
    if user is not None and in_user_runs and suffers(user):
        return Cost(severity="error" if badly_hurt(user) else "warning", text="Your own setting suffers from it.")
    arm = paying_arm(tried)
    if arm is not None and arm.against_lower_lr is not None:
        gain = arm.against_lower_lr
        return Cost(
            severity="warning",
            text=f"It costs something: {arm.fix} at lr {arm.settings.lr:.3g} ended {gain.mean:.0%} of the loss drop "
            f"below the best lr without it (95% interval {gain.low:.0%} to {gain.high:.0%}, {gain.pairs} fresh pairs).",
        )
    screened = [arm for arm in tried.arms if arm.fix in STABILISING] if tried else []
    if screened:
        names = " and ".join(sorted({arm.fix for arm in screened}))
        return Cost(severity="note", text=f"No gain was shown from taming it ({names} tried), so nothing needs doing.")
    return Cost(
        severity="note", text="By itself that is no fault: any training becomes unstable when the lr is large enough."
    )
