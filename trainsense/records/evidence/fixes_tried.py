"""Evidence on what fixes buy: each tried against the baseline on the same seeds and batches (PROTOCOL 3.4 and 6)."""

from collections.abc import Sequence
from dataclasses import dataclass

from trainsense.records.comparison import Comparison
from trainsense.records.evidence.sweep import LearningRateSweep
from trainsense.records.model_edit import EditSurvey
from trainsense.records.run import Run
from trainsense.records.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Prepended:
    """A warmup as the playbook applies it: in front of the run, which grows by its length (PROTOCOL 5.3).

    Attributes:
        steps: total steps of both sides, the warmup included.
        against_baseline: best checkpoint against best checkpoint, the baseline given the same extra steps.
        crossed: whether the mean loss curves cross after the warmup, so that the last loss alone would mislead.
    """

    steps: int
    against_baseline: Comparison
    crossed: bool


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One variant of a fix (one warmup length, one threshold, one optimizer, one edit) over learning rates.

    Attributes:
        fix: its name (CONTRACT 5).
        settings: the variant at the best learning rate that it was screened at.
        screened: its runs on the first seed, ascending in lr; empty if it was not screened.
        infeasible: per screened run, the reason code or None.
        screened_gain: gain of `settings` over the control, the best lr without the fix, on that seed, as a share of D.
        against_baseline: paired comparison with the user's setting (or lr* if there is none) on fresh seeds.
        against_lower_lr: paired comparison with lr* without the fix on fresh seeds: what the fix itself buys.
        runs: its runs on the fresh seeds.
        prepended: the same with the warmup in front of the run; None without a warmup, or where it was not run.
        refused: why it is not recommended whatever it gains (it clips most steps, say), as a sentence; empty if nothing
            speaks against it.
    """

    fix: str
    settings: Settings
    screened: tuple[Run, ...] = ()
    infeasible: tuple[str | None, ...] = ()
    screened_gain: float | None = None
    against_baseline: Comparison | None = None
    against_lower_lr: Comparison | None = None
    runs: tuple[Run, ...] = ()
    prepended: Prepended | None = None
    refused: str = ""

    @property
    def screening(self) -> Run | None:
        """Return the screened run at the lr of `settings`, None if it was not screened."""
        return next((run for run in self.screened if run.trial.lr == self.settings.lr), None)

    @property
    def beats_both(self) -> bool:
        """Whether it is verified against the baseline and against the control, lr* without it."""
        compared = (self.against_baseline, self.against_lower_lr)
        return all(one is not None and one.status == "verified" for one in compared)


@dataclass(frozen=True, kw_only=True)
class FixesTried:
    """Which fixes were tried, why, and what they came to.

    Attributes:
        symptoms: sentences that say why fixes were tried; empty if there was no reason to.
        baseline: what the arms are held against.
        arms: everything that was tried, in order.
        control_runs: lr* on the fresh seeds.
        baseline_runs: the baseline on the fresh seeds.
        untested: model edits that could not be applied here, with the reason and the advice in words.
        yardstick: the sweep that gives D and the standards of feasibility: that of the workload itself, or, where no
            learning rate trains without a fix, that of the fix under which training began.
    """

    symptoms: tuple[str, ...]
    baseline: Settings
    arms: tuple[Arm, ...]
    control_runs: tuple[Run, ...] = ()
    baseline_runs: tuple[Run, ...] = ()
    untested: Sequence[EditSurvey] = ()
    yardstick: LearningRateSweep | None = None
