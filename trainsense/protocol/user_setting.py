"""The user's own setting against lr*, at the sweep's horizon and probed as closely as the plan says (PROTOCOL 2.7, 3, 4.4, 5.4)."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from trainsense.lab import Lab
from trainsense.measure.comparing import compare_runs, reason_for
from trainsense.measure.feasibility import collapsed
from trainsense.measure.gradient_norms import AGGRESSIVE_CLIPPING, clipped_fractions, norm_percentiles
from trainsense.measure.grid import GRID_STEP
from trainsense.measure.paired import PRACTICAL_MARGIN
from trainsense.measure.stability import event_threshold, find_event
from trainsense.measure.symptoms import SUFFERING_SHARE
from trainsense.measure.warmup_limits import LARGEST_WARMUP_SHARE
from trainsense.records.comparison import Comparison
from trainsense.records.evidence import InstabilityRun, LearningRateSweep, UserSetting
from trainsense.records.plan import Plan
from trainsense.records.run import Run
from trainsense.records.trial import WITHOUT_OWN_WARMUP, Trial

PURPOSE: Final = "the user's own setting"
SETTLED: Final = 0.05
"""Where one seed ends within this share of D of lr*, half of what makes a finding, another seed of a learning rate well below
the first that fails would say the same (from seed to seed such differences vary by 0.002 to 0.02 of D: see `sweep_lr`) …"""
SETTLED_BY_NOISE: Final = 2.0
"""… or where so many standard deviations of the scores at lr* lie between it and what makes a finding …"""
LEAST_NOISE: Final = 0.01
"""… which are taken for no less than this share of D: three seeds may agree by chance."""


def user_setting(lab: Lab, plan: Plan, sweep: LearningRateSweep) -> UserSetting | None:
    """Run the user's lr, schedule and clipping; None if the workload names no lr or nothing fitted the budget."""
    lr = plan.subject.lr
    if lr is None:
        return None
    trials = [plan.own(lr, seed, sweep.stop_loss) for seed in plan.seeds]
    at_best = _at_best(lab, plan, sweep)
    if not plan.closely and _settled(lab.run(trials[:1], PURPOSE)[0], at_best, sweep):
        trials = trials[:1]
    runs = [run for run in lab.run(trials, PURPOSE) if not run.skipped]
    if not runs:
        return None
    above = sweep.best_lr is not None and lr > sweep.best_lr
    larger_norm, larger = _larger_clip(lab, plan, sweep, runs)
    return UserSetting(
        lr=lr,
        runs=tuple(_with_event(run, sweep, above=above) for run in runs),
        infeasible=tuple(reason_for(run, sweep) for run in runs),
        at_best=tuple(at_best),
        against_best=compare_runs(runs, at_best, sweep),
        half_horizon_gap=_probe_gap(runs, at_best, sweep, 0.4, 0.5),
        horizon_gap=_probe_gap(runs, at_best, sweep, 0.9, 1.0),
        larger_clip=larger,
        larger_clip_norm=larger_norm,
        shorter_warmup=_shorter_warmup(lab, plan, sweep),
        warmup_steps=plan.subject.own_warmup_steps,
        warmup_share=_warmup_share(plan),
        max_train_steps=plan.subject.max_train_steps,
        clip_norm=plan.subject.clip_norm,
    )


def _at_best(lab: Lab, plan: Plan, sweep: LearningRateSweep) -> list[Run]:
    if sweep.best_lr is None:
        return []
    trials = [plan.trial(sweep.best_lr, seed, sweep.stop_loss) for seed in plan.seeds]
    return [run for run in lab.run(trials, "seeds at the best learning rate") if not run.skipped]


def _settled(run: Run, at_best: Sequence[Run], sweep: LearningRateSweep) -> bool:
    """Whether a single seed says how the user's setting stands: as good as lr*, calm, and far from what fails."""
    against = compare_runs([run], at_best, sweep)
    lr = run.trial.lr
    far = sweep.unstable_lr is None or lr * GRID_STEP < 0.99 * sweep.unstable_lr
    calm = far and _with_event(run, sweep, above=sweep.best_lr is not None and lr > sweep.best_lr).event is None
    if not calm or against is None or reason_for(run, sweep) is not None:
        return False
    scores = [one.score for one in at_best if one.score is not None]
    noise = float(np.std(scores, ddof=1)) / sweep.drop.value if len(scores) > 2 else math.inf
    clear = SUFFERING_SHARE - SETTLED_BY_NOISE * max(noise, LEAST_NOISE)
    return abs(against.mean) <= max(SETTLED, clear)


def _with_event(run: Run, sweep: LearningRateSweep, *, above: bool) -> InstabilityRun:
    event = None
    if sweep.drop.assessable:
        event = find_event(
            run,
            drop=sweep.drop.value,
            threshold=event_threshold(None),
            collapsed=above and collapsed(run, sweep.reference_gap, sweep.reference_spread),
        )
    return InstabilityRun(factor=run.trial.lr / (sweep.best_lr or run.trial.lr), run=run, event=event)


def _probe_gap(
    runs: Sequence[Run], at_best: Sequence[Run], sweep: LearningRateSweep, start: float, end: float
) -> float | None:
    """Return how much higher the user's probe loss lies in a window of the run, as a share of D, paired by seed."""
    if not sweep.drop.assessable:
        return None
    best = {run.trial.seed: run for run in at_best if run.completed}
    gaps = []
    for run in runs:
        if run.completed and run.trial.seed in best:
            levels = []
            for one in (run, best[run.trial.seed]):
                window = one.trace.probe_loss[int(start * one.trial.steps) : int(end * one.trial.steps) + 1]
                levels.append(float(np.nanmean(window)) if np.isfinite(window).any() else float("nan"))
            gaps.append((levels[0] - levels[1]) / sweep.drop.value)
    return float(np.mean(gaps)) if gaps and np.all(np.isfinite(gaps)) else None


def _larger_clip(
    lab: Lab, plan: Plan, sweep: LearningRateSweep, runs: Sequence[Run]
) -> tuple[float | None, Comparison | None]:
    """Try the 90th percentile of the unclipped norms where the user's threshold clips more than half of the steps."""
    clip_norm = plan.subject.clip_norm
    fraction = float(np.mean([clipped_fractions(run.trace)[0] for run in runs]))
    if clip_norm is None or fraction <= AGGRESSIVE_CLIPPING:
        return None, None
    percentiles = norm_percentiles(np.concatenate([run.trace.grad_norm for run in runs]))
    if percentiles is None or percentiles.values[90] <= clip_norm:
        return None, None
    larger = percentiles.values[90]
    baseline = plan.own(runs[0].trial.lr, plan.seed, sweep.stop_loss)
    return larger, _adopt(
        lab, plan, sweep, baseline, replace(baseline, clip_norm=larger), "a larger clipping threshold"
    )


def _warmup_share(plan: Plan) -> float | None:
    planned = plan.subject.max_train_steps
    return plan.subject.own_warmup_steps / planned if planned else None


def _shorter_warmup(lab: Lab, plan: Plan, sweep: LearningRateSweep) -> Comparison | None:
    """Try a tenth of the user's own warmup where it takes more than a tenth of the run."""
    share = _warmup_share(plan)
    if share is None or share <= LARGEST_WARMUP_SHARE or plan.subject.lr is None:
        return None
    baseline = plan.own(plan.subject.lr, plan.seed, sweep.stop_loss)
    shorter = max(1, round(share * plan.horizon / 10))
    setting = replace(baseline, schedule=WITHOUT_OWN_WARMUP, warmup_steps=shorter)
    return _adopt(lab, plan, sweep, baseline, setting, "a shorter warmup")


def _adopt(
    lab: Lab, plan: Plan, sweep: LearningRateSweep, baseline: Trial, setting: Trial, purpose: str
) -> Comparison | None:
    """Screen a setting on the first seed and compare it on fresh seeds if it looks no worse."""
    one, two = lab.run([baseline, setting], purpose)
    screened = compare_runs([one], [two], sweep)
    if screened is None or screened.mean < -PRACTICAL_MARGIN or not plan.effort.adoption_pairs:
        return screened
    seeds = plan.fresh_seeds(plan.effort.adoption_pairs)
    runs = lab.run([replace(trial, seed=seed) for trial in (baseline, setting) for seed in seeds], purpose)
    return compare_runs(runs[: len(seeds)], runs[len(seeds) :], sweep) or screened
