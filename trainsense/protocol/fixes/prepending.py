"""A warmup as the playbook applies it: in front of the run, the baseline given the same extra steps (PROTOCOL 5.3)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from trainsense.measure.checkpoints import compare_best_checkpoints, curves_cross
from trainsense.measure.paired import ADOPTION_PAIRS
from trainsense.protocol.fixes.common_ground import CommonGround
from trainsense.records.evidence import Arm, Prepended
from trainsense.records.run import Run
from trainsense.records.settings import Settings
from trainsense.records.trial import Trial

CHECKPOINTS: Final = 15
"""Evaluations over a run that is compared by its best checkpoint."""


def best_prepended(ground: CommonGround, arms: Sequence[Arm]) -> list[Arm]:
    """Return the arms, the best of those with a warmup that are verified measured in front of the run as well."""
    ready = [arm for arm in arms if arm.settings.warmup_steps and arm.beats_both]
    best = max(ready, key=lambda arm: arm.against_baseline.mean if arm.against_baseline else 0.0, default=None)
    return [prepended(ground, arm) if arm is best else arm for arm in arms]


def prepended(ground: CommonGround, arm: Arm) -> Arm:
    """Return an arm with its warmup in front of the run, measured; as it was where the budget does not hold that."""
    steps = ground.plan.horizon + arm.settings.warmup_steps
    baseline, runs = _runs(ground, ground.baseline, steps), _runs(ground, arm.settings, steps)
    compared = compare_best_checkpoints(baseline, runs, ground.sweep)
    if compared is None or compared.pairs < ADOPTION_PAIRS:
        return arm
    crossed = curves_cross(baseline, runs, after=arm.settings.warmup_steps)
    return replace(arm, prepended=Prepended(steps=steps, against_baseline=compared, crossed=crossed))


def _runs(ground: CommonGround, settings: Settings, steps: int) -> Sequence[Run]:
    seeds = ground.plan.fresh_seeds(ADOPTION_PAIRS)
    return ground.lab.run(
        [_trial(ground, settings, seed, steps) for seed in seeds],
        "warmup in front of the run, against as many extra steps",
    )


def _trial(ground: CommonGround, settings: Settings, seed: int, steps: int) -> Trial:
    return replace(ground.trial(settings, seed, steps=steps), eval_every=max(1, steps // CHECKPOINTS))
