"""`CommonGround`: what every fix is held against, on the same seeds and batches."""

from collections.abc import Sequence
from dataclasses import replace

from trainsense.lab import Lab
from trainsense.measure.comparing import compare_runs, reason_for
from trainsense.measure.grid import grid_index, grid_lr
from trainsense.records.evidence import LearningRateSweep
from trainsense.records.plan import Plan
from trainsense.records.run import Run
from trainsense.records.settings import Settings
from trainsense.records.trial import Trial


class CommonGround:
    """The lab with the baseline, the control and the yardstick.

    Attributes:
        to_beat: gain on the screening seed of the best fix that is verified: what is less simple has to promise more.
        control_runs: lr* on the fresh seeds.
        baseline_runs: the baseline on them.

    Args:
        lab: runs the trials.
        plan: seeds, horizon and effort.
        sweep: the yardstick: D and the standards of feasibility. Its lr* must be known.
        baseline: what the user trains with today, or lr*.
        control: lr* without any fix: what a stabilising fix has to beat.
        control_screened: the control on the screening seeds; the sweep's runs at lr* if left out.
        user_lr: the user's learning rate where training fails at it, to see whether a fix rescues it; else None.
    """

    def __init__(
        self,
        lab: Lab,
        plan: Plan,
        sweep: LearningRateSweep,
        baseline: Settings,
        *,
        control: Settings,
        control_screened: Sequence[Run] | None = None,
        user_lr: float | None = None,
    ) -> None:
        self.lab, self.plan, self.sweep = lab, plan, sweep
        self.baseline, self.control, self.user_lr = baseline, control, user_lr
        at_best = sweep.best.runs if sweep.best else ()
        self.control_screened = at_best if control_screened is None else control_screened
        self.to_beat = 0.0
        self.control_runs: Sequence[Run] = ()
        self.baseline_runs: Sequence[Run] = ()

    @property
    def adopts(self) -> bool:
        """Whether this effort goes beyond a first look."""
        return self.plan.effort.adoption_pairs > 0

    def lr_above(self, points: int) -> float:
        """Return the learning rate so many grid points above the control's."""
        return grid_lr(grid_index(self.control.lr) + points)

    def trial(self, settings: Settings, seed: int, *, steps: int | None = None) -> Trial:
        """Return a trial of `settings`: N steps in all, out of which a warmup is taken, unless told otherwise."""
        trial = settings.applied(self.plan.trial(settings.lr, seed, self.sweep.stop_loss))
        return trial if steps is None else replace(trial, steps=steps)

    def screen(self, settings: Settings, purpose: str) -> Run | None:
        """Return the run of `settings` on the first seed, None where the budget did not hold it."""
        run = self.lab.run([self.trial(settings, self.plan.seed)], purpose)[0]
        return None if run.skipped else run

    def gain(self, run: Run) -> float | None:
        """Return the gain of a screened run over the control on its seed, as a share of D; None without the control."""
        compared = compare_runs(self.control_screened, [run], self.sweep)
        return None if compared is None else compared.mean

    def trains(self, run: Run) -> bool:
        """Whether a run is feasible by the standards of the sweep."""
        return reason_for(run, self.sweep) is None

    def pairs(self, settings: Settings, count: int, purpose: str) -> list[Run]:
        """Run `settings`, the baseline and the control on fresh seeds: as many seeds as fit the budget with all three."""
        found: list[list[Run]] = []
        seeds = [
            [self.trial(one, seed) for one in (self.control, self.baseline, settings)]
            for seed in self.plan.fresh_seeds(count)
        ]
        at_once = [trial for trials in seeds for trial in trials]
        if self.lab.affords(at_once):
            self.lab.run(at_once, purpose)
        for trials in seeds:
            done = self.lab.run(trials, purpose) if self.lab.affords(trials) else self._left_out(trials, purpose)
            if not done:
                break
            found.append(done)
        if len(found) >= len(self.baseline_runs):
            self.control_runs, self.baseline_runs = [row[0] for row in found], [row[1] for row in found]
        return [row[2] for row in found]

    def _left_out(self, trials: Sequence[Trial], purpose: str) -> list[Run]:
        """Tell the lab what did not fit; return no runs."""
        self.lab.leave_out(trials, purpose)
        return []
