"""Evidence of the user's own setting: what they train with today against lr*."""

from dataclasses import dataclass

from trainsense.records.comparison import Comparison
from trainsense.records.evidence.instability import InstabilityRun
from trainsense.records.run import Run


@dataclass(frozen=True, kw_only=True)
class UserSetting:
    """The user's lr, schedule and clipping at the sweep's horizon, probed at every step.

    Attributes:
        lr: the user's learning rate.
        runs: one per seed, with the event if one was seen.
        infeasible: per run, the reason code or None.
        at_best: the runs at lr* on the same seeds.
        against_best: effect of moving from the user's setting to lr*, None if it could not be compared.
        half_horizon_gap: the same mean effect at half the horizon (probe loss), None if not comparable.
        horizon_gap: the same mean effect at the horizon (probe loss), to compare with `half_horizon_gap`.
        larger_clip: the user's setting with a larger clipping threshold, tried; None if not tried.
        larger_clip_norm: that threshold.
        shorter_warmup: the user's setting with a shorter warmup, tried; None if not tried.
        warmup_steps: length of the warmup read from the user's own schedule, 0 if it has none.
        warmup_share: that length as a share of `max_train_steps`, None where that is unknown.
        max_train_steps: the planned length, None if unknown.
        clip_norm: the user's threshold, None if they do not clip.
    """

    lr: float
    runs: tuple[InstabilityRun, ...]
    infeasible: tuple[str | None, ...]
    at_best: tuple[Run, ...]
    against_best: Comparison | None
    half_horizon_gap: float | None
    horizon_gap: float | None
    larger_clip: Comparison | None = None
    larger_clip_norm: float | None = None
    shorter_warmup: Comparison | None = None
    warmup_steps: int = 0
    warmup_share: float | None = None
    max_train_steps: int | None = None
    clip_norm: float | None = None

    @property
    def fails(self) -> bool:
        """Whether at least half of the seeds were infeasible."""
        return 2 * sum(reason is not None for reason in self.infeasible) >= max(1, len(self.runs))
