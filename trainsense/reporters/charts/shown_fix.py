"""The one fix that the headline chart shows, and its finding in words."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from trainsense.measure.paired import PRACTICAL_MARGIN
from trainsense.records.comparison import Comparison
from trainsense.records.evidence import Arm, FixesTried, LearningRateSweep
from trainsense.records.settings import LR_CHANGES, Settings
from trainsense.reporters.numbers import lr_text, number_text, percent_text
from trainsense.reporters.trial_loss import trial_loss

FEWEST_LRS: Final = 2
"""Learning rates from which on an arm that is not verified has an axis to show."""

LEAST_DIGITS: Final = 3
MOST_DIGITS: Final = 6
"""Two losses side by side are written in as many digits as tell them apart."""

ROUNDING: Final = 1.001
"""Learning rates within 0.1 % are one (`LearningRateSweep.point`)."""


@dataclass(frozen=True, kw_only=True)
class ShownFix:
    """A fix beside the same training without it.

    Attributes:
        arm: the fix over learning rates.
        words: what it changes.
        verified: whether it beat the baseline and the best lr without it.
        without: lr* without it; None where training gets nowhere without it.
        judged: the comparison on fresh seeds that says what the fix buys, None if there was none.
        fails_without: whether its lr is known to fail without it.
    """

    arm: Arm
    words: str
    verified: bool
    without: float | None
    judged: Comparison | None
    fails_without: bool

    @property
    def loss(self) -> float | None:
        """Return its loss at its best lr: on fresh seeds, else on the first seed."""
        if self.judged is not None:
            return self.judged.loss
        return None if self.arm.screening is None else trial_loss(self.arm.screening)

    @property
    def title(self) -> str:
        """Return the finding, with its numbers."""
        return _capitalised(self._proven() if self.verified else self._unproven())

    def _proven(self) -> str:
        lr = lr_text(self.arm.settings.lr)
        if self.without is None or self.judged is None:
            return f"without {self.words} no learning rate trains; with it lr {lr} ends at {number_text(self.loss, 3)}"
        loss, other = told_apart(self.judged.loss, self.judged.baseline_loss)
        if self.fails_without:
            return f"{self.words} lets lr {lr} train: {loss} instead of {other}, the best without it"
        return f"{self.words} at lr {lr} ends at {loss} instead of {other}, the best without it"

    def _unproven(self) -> str:
        return self._screened() if self.judged is None else self._unsettled(self.judged)

    def _unsettled(self, judged: Comparison) -> str:
        loss, other = told_apart(judged.loss, judged.baseline_loss)
        seeds = "one fresh seed" if judged.pairs == 1 else f"{judged.pairs} fresh seeds"
        rival = "your own setting" if self.without is None else "the best lr without it"
        if judged.status == "verified":
            return f"{self.words} beats {rival}, {loss} against {other}, but not your own setting"
        if judged.status == "rejected":
            return f"{self.words} buys nothing on {seeds}: {loss} at lr {lr_text(self.arm.settings.lr)}, {other} at {rival}"
        return f"not settled on {seeds}: {self.words} ends at {loss}, {rival} at {other}"

    def _screened(self) -> str:
        better = "trains" if self.without is None else "looks better"
        lr, share = lr_text(self.arm.settings.lr), percent_text(self.arm.screened_gain or 0.0)
        return f"not verified: {self.words} {better} at lr {lr} on the first seed, by {share}% of the loss drop"

    @property
    def subtitle(self) -> str:
        """Return what stands behind the title."""
        one = self.judged
        if one is None:
            return "screened on the first seed only"
        seeds = "one fresh seed" if one.pairs == 1 else f"{one.pairs} fresh seeds"
        known = math.isfinite(one.low) and math.isfinite(one.high)
        interval = f" ({percent_text(one.low)} to {percent_text(one.high)})" if known else ""
        return f"{one.status} on {seeds}: {percent_text(one.mean, signed=True)}% of the loss drop{interval}"


def shown_fix(sweep: LearningRateSweep, tried: FixesTried, recommended: Settings | None) -> ShownFix | None:
    """Return the fix worth showing: the one recommended, else the one that is verified, else the best screened.

    Args:
        sweep: the axis without a fix.
        tried: what was tried.
        recommended: the settings that the report recommends, None if it recommends none.

    Returns:
        None where no fix but a change of lr trained, or none that was not refused.
    """
    trains = sweep.best_lr is not None and sweep.drop.assessable
    usable = [arm for arm in tried.arms if arm.fix not in LR_CHANGES and not arm.refused and _has_losses(arm)]
    proven = [arm for arm in usable if _verified(arm, trains=trains)]
    arm = _chosen(proven, usable, recommended)
    if arm is None:
        return None
    return ShownFix(
        arm=arm,
        words=words_of(arm.settings, tried.baseline),
        verified=arm in proven,
        without=sweep.best_lr if trains else None,
        judged=arm.against_lower_lr if trains else arm.against_baseline,
        fails_without=arm.settings.optimizer == tried.baseline.optimizer and fails_without_fix(sweep, arm.settings.lr),
    )


def words_of(settings: Settings, baseline: Settings) -> str:
    """Return what settings change beside the lr, as a noun.

    >>> words_of(Settings(lr=0.1, clip_norm=1.7, warmup_steps=30), Settings(lr=0.1))
    'clipping at 1.7 plus warmup of 30 steps'
    """
    parts = []
    if settings.clip_norm is not None and settings.clip_norm != baseline.clip_norm:
        parts.append(f"clipping at {number_text(settings.clip_norm, 3)}")
    if settings.warmup_steps:
        parts.append(f"warmup of {settings.warmup_steps} steps")
    if settings.optimizer is not None and settings.optimizer != baseline.optimizer:
        parts.append(settings.optimizer)
    parts += [edit for edit in settings.edits if edit not in baseline.edits]
    return " plus ".join(parts) or "the fix"


def told_apart(one: float, other: float) -> tuple[str, str]:
    """Return two losses in the fewest digits, at least three, that tell them apart.

    >>> told_apart(2.21, 2.33), told_apart(2.3312, 2.3329)
    (('2.21', '2.33'), ('2.331', '2.333'))
    """
    pairs = ((number_text(one, digits), number_text(other, digits)) for digits in range(LEAST_DIGITS, MOST_DIGITS))
    last = (number_text(one, MOST_DIGITS), number_text(other, MOST_DIGITS))
    return next((pair for pair in pairs if pair[0] != pair[1]), last)


def fails_without_fix(sweep: LearningRateSweep, lr: float) -> bool:
    """Return whether an lr is known to fail without a fix: on the grid, or above where learning rates fail."""
    point = sweep.point(lr)
    if point is not None:
        return not point.feasible
    return sweep.unstable_lr is not None and lr * ROUNDING >= sweep.unstable_lr


def _chosen(proven: Sequence[Arm], usable: Sequence[Arm], recommended: Settings | None) -> Arm | None:
    axes = [arm for arm in usable if len(arm.screened) >= FEWEST_LRS and _screened_gain(arm) > PRACTICAL_MARGIN]
    candidates = proven or axes
    named = [arm for arm in candidates if arm.settings == recommended]
    return max(named or candidates, key=_gain if proven else _screened_gain, default=None)


def _verified(arm: Arm, *, trains: bool) -> bool:
    """Whether an arm beat the baseline and, where training gets somewhere without it, the best lr without it."""
    needed = (arm.against_baseline, arm.against_lower_lr) if trains else (arm.against_baseline,)
    return all(one is not None and one.status == "verified" for one in needed)


def _gain(arm: Arm) -> float:
    return 0.0 if arm.against_baseline is None else arm.against_baseline.mean


def _screened_gain(arm: Arm) -> float:
    return arm.screened_gain or 0.0


def _has_losses(arm: Arm) -> bool:
    screened = zip(arm.screened, arm.infeasible, strict=True)
    losses = [trial_loss(run) for run, reason in screened if reason is None] + [trial_loss(run) for run in arm.runs]
    return any(loss is not None and math.isfinite(loss) for loss in losses)


def _capitalised(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]
