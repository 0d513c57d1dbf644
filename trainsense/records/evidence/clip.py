"""Evidence of the choice of a clipping threshold (PROTOCOL 4)."""

from collections.abc import Mapping
from dataclasses import dataclass

from trainsense.records.run import Run


@dataclass(frozen=True, kw_only=True)
class NormPercentiles:
    """Percentiles of the unclipped gradient norm of a stable run.

    Attributes:
        steps: number of finite norms behind them.
        over_all: percentile -> norm over all steps; keys 25, 50, 75, 90, 99.
        over_last_half: the same over the last half, so that an early transient does not set the threshold.
        used: `all` or `last half`: which of the two the threshold was taken from.
    """

    steps: int
    over_all: Mapping[int, float]
    over_last_half: Mapping[int, float]
    used: str

    @property
    def values(self) -> Mapping[int, float]:
        """Return the percentiles that the threshold was taken from."""
        return self.over_all if self.used == "all" else self.over_last_half


@dataclass(frozen=True, kw_only=True)
class ClipAttempt:
    """One threshold, tried.

    Attributes:
        percentile: of the stable run's norms.
        clip_norm: the threshold.
        run: the run under clipping.
        clipped_fraction: share of its steps that were clipped, all steps.
        clipped_fraction_later: the same without the first tenth of the steps.
        stable: whether it was feasible and showed no instability.
        score_of_lower_lr: score of the control, the lower learning rate (lr*), on the same seed; None without one.
    """

    percentile: int
    clip_norm: float
    run: Run
    clipped_fraction: float
    clipped_fraction_later: float
    stable: bool
    score_of_lower_lr: float | None


@dataclass(frozen=True, kw_only=True)
class ClipChoice:
    """The threshold chosen, or why there is none.

    Attributes:
        lr: the learning rate above lr* at which thresholds were tried.
        stable_run: the run whose norms set the percentiles, None if none was usable.
        percentiles: of its norms, None if not assessable.
        attempts: thresholds tried, from the largest down.
        clip_norm: the threshold chosen, None if none is recommended.
        percentile: the percentile it was taken from.
        clipped_fraction: measured under clipping at the lr used.
        refused: why no threshold is recommended; empty if one is.
    """

    lr: float | None
    stable_run: Run | None
    percentiles: NormPercentiles | None
    attempts: tuple[ClipAttempt, ...]
    clip_norm: float | None
    percentile: int | None
    clipped_fraction: float | None
    refused: str = ""
