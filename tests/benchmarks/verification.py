"""The tool's own verification of a fix, run on a workload by hand, and the truth by many more seeds."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from scipy.special import stdtrit

from trainsense import Workload
from trainsense.diagnosis.opening import opened
from trainsense.executors.in_process import InProcess
from trainsense.executors.interface import Executor
from trainsense.lab import Lab
from trainsense.measure.comparing import compare_runs
from trainsense.measure.paired import CONFIDENCE
from trainsense.protocol.fixes import STABILISERS, CommonGround
from trainsense.protocol.fixes.adoption import adopted
from trainsense.protocol.sweep_lr import sweep_lr
from trainsense.records.evidence import Arm, LearningRateSweep
from trainsense.records.plan import REFINEMENTS, Plan
from trainsense.records.progress import Silent
from trainsense.records.request import NO_LIMIT, Request
from trainsense.records.run import Run
from trainsense.records.settings import Settings
from trainsense.records.trial import Trial
from trainsense.workload.load import from_object

TRUTH_SEEDS: Final = range(1000, 1040)
OTHER_SEEDS: Final = 5000
"""Added to the seed of a run whose pairs are to be none."""
NO_CHANGE: Final = 1
"""A warmup of one step is none: trials with it are the same training, on another seed."""


class OtherSeeds:
    """Trains a trial whose warmup is `NO_CHANGE` on another seed than it says."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    width = 1
    pace = 1.0

    def close(self) -> None:
        """Do nothing."""

    def run(self, trials: Sequence[Trial]) -> Iterator[Run]:
        """Yield one run per trial, in order."""
        for trial in trials:
            shift = OTHER_SEEDS if trial.warmup_steps == NO_CHANGE else 0
            for run in self._executor.run([replace(trial, seed=trial.seed + shift)]):
                yield replace(run, trial=trial)


@dataclass(frozen=True, kw_only=True)
class Verification:
    """A workload with its lab, its sweep, and lr* as the baseline."""

    lab: Lab
    plan: Plan
    sweep: LearningRateSweep

    @property
    def best(self) -> Settings:
        """Return lr* without a fix."""
        assert self.sweep.best_lr is not None
        return Settings(lr=self.sweep.best_lr)

    def ground(self, seed: int, baseline: Settings | None = None) -> CommonGround:
        """Return what fixes are held against, from the first seed `seed` on."""
        plan = replace(self.plan, seed=seed)
        control = self.lab.run([plan.trial(self.best.lr, seed, self.sweep.stop_loss)], "control")
        return CommonGround(
            self.lab, plan, self.sweep, baseline or self.best, control=self.best, control_screened=control
        )

    def tried(self, seed: int, arms: Sequence[Arm]) -> list[Arm]:
        """Return the arms after the tool's adoption, on the fresh seeds that belong to the first seed `seed`."""
        return adopted(self.ground(seed), arms)

    def screened(self, seed: int) -> list[Arm]:
        """Return what screening of warmup, clipping and both, as after a symptom, and adoption come to."""
        ground, arms = self.ground(seed), list[Arm]()
        for screen in STABILISERS.values():
            arms += screen(ground, arms)
        return adopted(ground, arms)

    def truth(self, settings: Settings, baseline: Settings | None = None) -> tuple[float, float]:
        """Return the mean effect against the baseline over `TRUTH_SEEDS`, as a share of D, and its standard error."""
        ground = self.ground(self.plan.seed)
        sides = [
            self.lab.run([ground.trial(one, seed) for seed in TRUTH_SEEDS], "truth")
            for one in (baseline or self.best, settings)
        ]
        found = compare_runs(sides[0], sides[1], self.sweep)
        assert found is not None
        return found.mean, (found.high - found.low) / 2 / float(stdtrit(found.pairs - 1, 0.5 + CONFIDENCE / 2))


@contextmanager
def verification(workload: Workload, steps: int) -> Iterator[Verification]:
    """Sweep the learning rate of `workload` on the seeds 0 to 2, trials of `steps` steps."""
    request = Request(steps=steps, budget=NO_LIMIT, device="cpu")
    with opened(from_object(workload), request, Silent()) as frame:
        lab = Lab(OtherSeeds(InProcess(frame.bench)))
        plan = replace(frame.plan, effort=REFINEMENTS)
        sweep = sweep_lr(lab, plan)
        assert sweep is not None
        yield Verification(lab=lab, plan=plan, sweep=sweep)
