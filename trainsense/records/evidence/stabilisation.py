"""Evidence on what fixes buy: each tried against the baseline on the same seeds and batches (PROTOCOL 3.4 and 6)."""

from dataclasses import dataclass

from trainsense.records.comparison import Comparison
from trainsense.records.fix import Settings
from trainsense.records.run import Run


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One fix at one setting.

    Attributes:
        fix: its name (CONTRACT 5).
        settings: what was trained with.
        screening: its run on the first seed, None if it was not screened.
        screened_gain: gain over the control, the best lr without the fix, on that seed, as a share of D.
        against_baseline: paired comparison with the user's setting (or lr* if there is none) on fresh seeds.
        against_lower_lr: paired comparison with lr* without the fix on fresh seeds: what stability itself buys.
        runs: its runs on the fresh seeds.
    """

    fix: str
    settings: Settings
    screening: Run | None
    screened_gain: float | None
    against_baseline: Comparison | None = None
    against_lower_lr: Comparison | None = None
    runs: tuple[Run, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Stabilisation:
    """Does instability cost anything here, and which fix pays.

    Attributes:
        symptoms: sentences that say why fixes were tried; empty if there was no reason to.
        baseline: what the arms are held against.
        arms: everything that was tried, screening order.
        control_runs: lr* on the fresh seeds.
        baseline_runs: the baseline on the fresh seeds.
    """

    symptoms: tuple[str, ...]
    baseline: Settings
    arms: tuple[Arm, ...]
    control_runs: tuple[Run, ...] = ()
    baseline_runs: tuple[Run, ...] = ()
