"""Does instability cost anything: fixes tried on the user's workload (PROTOCOL 3.4 and 6)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from trainsense.lab import Lab
from trainsense.measure.comparing import compare_runs
from trainsense.measure.gradient_norms import norm_percentiles
from trainsense.measure.grid import GRID_STEP
from trainsense.measure.paired import MOST_PAIRS, PRACTICAL_MARGIN, holm_confidences
from trainsense.measure.symptoms import SUFFERING_SHARE, symptoms
from trainsense.measure.warmup_limits import longest_allowed
from trainsense.records.comparison import Comparison
from trainsense.records.evidence import Arm, InstabilityCheck, LearningRateSweep, Stabilisation, UserSetting
from trainsense.records.fix import Settings
from trainsense.records.plan import Plan
from trainsense.records.run import Run
from trainsense.records.trial import Trial

WARMUP_SHARES: Final = (0.1, 1 / 3)
"""Lengths of the warmups tried, as shares of the horizon."""
MOST_STEPS_UP: Final = 4
"""Grid points above lr* to which a fix that pays is followed."""
CLIP_PERCENTILE: Final = 90
"""Of the gradient norms at lr* (PROTOCOL 4.2)."""


def try_fixes(
    lab: Lab,
    plan: Plan,
    sweep: LearningRateSweep,
    user: UserSetting | None,
    instability: InstabilityCheck | None,
) -> Stabilisation | None:
    """Try what the symptoms call for; None if lr* is unknown or D is not assessable.

    Args:
        lab: runs the trials.
        plan: seeds, horizon and effort.
        sweep: lr*: without any fix, the control that every stabilising fix has to beat.
        user: the user's own setting, the baseline; without one the baseline is lr*.
        instability: events above lr*, None if they were not looked for.
    """
    if sweep.best_lr is None or sweep.best is None or not sweep.drop.assessable:
        return None
    baseline = Settings(lr=user.lr if user else sweep.best_lr, clip_norm=plan.subject.clip_norm)
    reasons, first = symptoms(sweep, user, instability)
    bench = _Arms(lab, plan, sweep, baseline)
    if user is not None and user.against_best is not None and user.against_best.mean > SUFFERING_SHARE:
        bench.add_lr_change(user, sweep.best_lr)
        bench.adopt()  # before others are screened: under a tight budget this is what decides
    if reasons:
        order = ["warmup", "clip-grad-norm"] if first == "warmup" else ["clip-grad-norm", "warmup"]
        for fix in order if plan.effort.adoption_pairs else order[:1]:
            bench.screen(fix, user.lr if user and user.fails else None)
    bench.adopt()
    return Stabilisation(
        symptoms=tuple(reasons),
        baseline=baseline,
        arms=tuple(bench.arms),
        control_runs=tuple(bench.control_runs),
        baseline_runs=tuple(bench.baseline_runs),
    )


class _Arms:
    """The arms as they come in."""

    def __init__(self, lab: Lab, plan: Plan, sweep: LearningRateSweep, baseline: Settings) -> None:
        self._lab, self._plan, self._sweep, self._baseline = lab, plan, sweep, baseline
        self._best_lr = sweep.best_lr or baseline.lr
        self._control = Settings(lr=self._best_lr, clip_norm=baseline.clip_norm)
        self.arms: list[Arm] = []
        self.control_runs: list[Run] = []
        self.baseline_runs: list[Run] = []

    def add_lr_change(self, user: UserSetting, best_lr: float) -> None:
        """Add the change of lr to lr*, which the sweep has screened."""
        fix = "lower-lr" if user.lr > best_lr else "raise-lr"
        screening = self._sweep.best.runs[0] if self._sweep.best else None
        self.arms.append(Arm(fix=fix, settings=self._control, screening=screening, screened_gain=0.0))

    def screen(self, fix: str, user_lr: float | None) -> None:
        """Run a fix on the first seed at the lrs just above lr*, and further up while that pays."""
        lowest = 0 if fix == "clip-grad-norm" else 1
        lrs = [self._best_lr * GRID_STEP**index for index in range(lowest, self._plan.effort.lr_steps_above + 1)]
        if user_lr is not None and all(abs(user_lr / lr - 1) > 0.05 for lr in lrs):
            lrs.append(user_lr)
        for lr in lrs:
            self._screen_at(fix, lr)
        for index in range(self._plan.effort.lr_steps_above + 1, MOST_STEPS_UP + 1):
            best = self._best_of(fix)
            if best is None or (best.screened_gain or 0.0) <= PRACTICAL_MARGIN or not self._plan.effort.adoption_pairs:
                return
            if best.settings.lr < max(arm.settings.lr for arm in self.arms if arm.fix == fix):
                return
            self._screen_at(fix, self._best_lr * GRID_STEP**index)

    def _screen_at(self, fix: str, lr: float) -> None:
        for settings in self._settings(fix, lr):
            run = self._lab.run([self._trial(settings, self._plan.seed)], f"{fix} above the best learning rate")[0]
            if run.skipped:
                continue
            compared = compare_runs(self._sweep.best.runs if self._sweep.best else (), [run], self._sweep)
            gain = None if compared is None else compared.mean
            self.arms.append(Arm(fix=fix, settings=settings, screening=run, screened_gain=gain))

    def _settings(self, fix: str, lr: float) -> Sequence[Settings]:
        if fix == "warmup":
            longest = longest_allowed(self._plan)[0]
            lengths = {min(longest, max(1, round(share * self._plan.horizon))) for share in WARMUP_SHARES}
            likeliest_first = sorted(lengths, reverse=True)[: None if self._plan.effort.adoption_pairs else 1]
            return [
                Settings(lr=lr, warmup_steps=length, clip_norm=self._baseline.clip_norm) for length in likeliest_first
            ]
        best = next((run for run in self._sweep.best.runs if run.completed), None) if self._sweep.best else None
        percentiles = None if best is None else norm_percentiles(best.trace.grad_norm)
        return [] if percentiles is None else [Settings(lr=lr, clip_norm=percentiles.values[CLIP_PERCENTILE])]

    def _trial(self, settings: Settings, seed: int) -> Trial:
        """Return a trial of equal total steps: a warmup is taken out of them."""
        return replace(
            self._plan.trial(settings.lr, seed, self._sweep.stop_loss),
            warmup_steps=settings.warmup_steps,
            clip_norm=settings.clip_norm,
        )

    def _best_of(self, fix: str) -> Arm | None:
        arms = [arm for arm in self.arms if arm.fix == fix and arm.screened_gain is not None]
        return max(arms, key=lambda arm: arm.screened_gain or 0.0, default=None)

    def adopt(self) -> None:
        """Compare the promising arm of each fix with the baseline and with lr* on fresh seeds."""
        pairs = self._plan.effort.adoption_pairs
        if not pairs:
            return
        fixes = list(dict.fromkeys(arm.fix for arm in self.arms))
        best = [arm for fix in fixes if (arm := self._best_of(fix)) is not None]
        promising = [
            arm for arm in best if arm.fix in ("lower-lr", "raise-lr") or (arm.screened_gain or 0.0) > PRACTICAL_MARGIN
        ]
        tried = [
            (arm, *self._enough_pairs(arm, pairs))
            for arm in sorted(promising, key=lambda arm: -(arm.screened_gain or 0.0))
        ]
        against_baseline = [compare_runs(baseline, runs, self._sweep) for _, _, baseline, runs in tried]
        levels = holm_confidences(against_baseline)
        for (arm, control, baseline, runs), level in zip(tried, levels, strict=True):
            lower = (
                None if arm.settings == self._control else compare_runs(control, runs, self._sweep, confidence=level)
            )
            self.arms[self.arms.index(arm)] = replace(
                arm,
                against_baseline=compare_runs(baseline, runs, self._sweep, confidence=level),
                against_lower_lr=lower,
                runs=tuple(run for run in runs if not run.skipped),
            )

    def _enough_pairs(self, arm: Arm, count: int) -> tuple[list[Run], list[Run], list[Run]]:
        """Run pairs until both comparisons are decided, or there are as many as are worth running."""
        while True:
            control, baseline, runs = self._pairs(arm, count)
            compared = [compare_runs(one, runs, self._sweep) for one in (control, baseline)]
            settled = not any(_undecided(one) for one in compared)
            if settled or count >= MOST_PAIRS or len(runs) < count:
                return control, baseline, runs
            count = MOST_PAIRS  # one more look: a look after every pair would verify 6 % of settings that do nothing

    def _pairs(self, arm: Arm, count: int) -> tuple[list[Run], list[Run], list[Run]]:
        """Run pair by pair, so that whatever fits the budget is complete."""
        control: list[Run] = []
        baseline: list[Run] = []
        runs: list[Run] = []
        for seed in self._plan.fresh_seeds(count):
            settings = (self._control, self._baseline, arm.settings)
            trials = [self._trial(one, seed) for one in settings]
            if not self._lab.affords(trials):
                self._lab.run(trials, f"fresh pairs for {arm.fix}")
                break
            one, two, three = self._lab.run(trials, f"fresh pairs for {arm.fix}")
            control, baseline, runs = [*control, one], [*baseline, two], [*runs, three]
        self.control_runs, self.baseline_runs = control, baseline
        return control, baseline, runs


def _undecided(comparison: Comparison | None) -> bool:
    """Whether more pairs could settle it: inconclusive, and the mean is worth having."""
    return comparison is not None and comparison.status == "inconclusive" and comparison.mean > PRACTICAL_MARGIN
