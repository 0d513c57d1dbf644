"""Screens one variant of a fix on the first seed, over the learning rates that it may make possible (PROTOCOL 1 and 6)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from trainsense.lab import Lab
from trainsense.measure.bracket import read_bracket
from trainsense.measure.comparing import reason_for
from trainsense.measure.grid import grid_index, grid_lr
from trainsense.measure.paired import PRACTICAL_MARGIN
from trainsense.protocol.fixes.common_ground import CommonGround
from trainsense.records.evidence import Arm
from trainsense.records.plan import Plan
from trainsense.records.run import Run
from trainsense.records.settings import Settings
from trainsense.records.trial import RANGE_TEST

MOST_POINTS_UP: Final = 4
"""Grid points above lr* to which a fix that pays is followed: a factor of 21."""
COARSE_BELOW: Final = (2, 4)
"""A short sweep begins so many grid points below where its range test came undone, factors of 4.6 and 22: short tests overrate
learning rates (PROTOCOL 2.1). Where it pays, it goes on from there to both sides."""
FURTHER_BELOW: Final = (6, 8)
"""Where both fail there, it goes on down until one trains."""
REFINEMENT_GAIN: Final = 0.1
"""What the neighbours of a coarse grid may still gain, as a share of D: where that would not do, they are not run."""
LOWEST_LR: Final = 1e-7
"""Where a range test starts."""

Runs = Mapping[float, Run]


def climb(ground: CommonGround, fix: str, variant: Settings, *, first: int = 0) -> Arm | None:
    """Screen a variant at lr* and above it, as long as that pays; None where the budget held no run.

    Args:
        ground: what fixes are held against.
        fix: name of the fix.
        variant: its settings; the lr in it is replaced.
        first: grid points above lr* to begin at; a first look begins one above it and stays there.
    """
    purpose = f"{fix} above the best learning rate"
    begin = first if ground.adopts else max(first, 1)
    end = MOST_POINTS_UP if ground.adopts else begin
    lrs = [
        ground.control.lr if points == 0 else ground.lr_above(points) for points in range(begin, max(begin, end) + 1)
    ]
    runs: dict[float, Run] = {}
    for lr in lrs:
        run = ground.screen(replace(variant, lr=lr), purpose)
        if run is None:
            break
        runs[lr] = run
        if lr > ground.control.lr and (not ground.trains(run) or _past_best(ground, runs)):
            break
    if ground.adopts and ground.user_lr is not None and ground.user_lr > max(runs, default=0.0):
        run = ground.screen(replace(variant, lr=ground.user_lr), purpose)
        runs |= {} if run is None else {ground.user_lr: run}
    return arm_of(ground, fix, variant, runs)


def short_sweep(ground: CommonGround, fix: str, variant: Settings) -> Arm | None:
    """Screen a variant whose best learning rate may lie anywhere: a range test, a coarse grid, the best one's neighbours."""
    purpose = f"short sweep under {fix}"
    top = range_test_top(ground.lab, ground.plan, variant, purpose)
    if top is None:
        return None
    runs: dict[float, Run] = {}
    if not _run(ground, variant, [top - below for below in COARSE_BELOW], runs, purpose):
        return arm_of(ground, fix, variant, runs)
    for below in FURTHER_BELOW:
        if any(ground.trains(run) for run in runs.values()) or not _run(ground, variant, [top - below], runs, purpose):
            break
    return refined(ground, fix, variant, runs)


def refined(ground: CommonGround, fix: str, variant: Settings, runs: dict[float, Run]) -> Arm | None:
    """Run the neighbours of the best of a coarse grid, unless they could not bring it up to what is verified already."""
    if max(_gains(ground, runs).values(), default=-math.inf) <= ground.to_beat - REFINEMENT_GAIN:
        return arm_of(ground, fix, variant, runs)
    return neighbours(ground, fix, variant, runs)


def neighbours(ground: CommonGround, fix: str, variant: Settings, runs: dict[float, Run]) -> Arm | None:
    """Run the grid points beside the best one until it has a neighbour on either side."""
    purpose = f"short sweep under {fix}"
    for _ in range(MOST_POINTS_UP):
        if not runs:
            break
        gains = _gains(ground, runs)
        best = grid_index(max(gains, key=lambda lr: gains[lr]))  # whatever lies beside it: that is what is asked
        known = {grid_index(lr) for lr in runs}
        wanted = [index for index in (best - 1, best + 1) if index not in known]
        if not wanted or not _run(ground, variant, wanted, runs, purpose):
            break
    return arm_of(ground, fix, variant, runs)


def range_test_top(lab: Lab, plan: Plan, variant: Settings, purpose: str) -> int | None:
    """Return the grid index at which a range test under the variant comes undone, None if it did not run or failed at once.

    Where the test learnt nothing it says nothing: then the coarse grid lies around the learning rate of `variant`.
    """
    settings = replace(variant, lr=LOWEST_LR)
    trial = replace(
        settings.applied(plan.trial(LOWEST_LR, plan.seed, None)),
        steps=plan.bracket_steps,
        schedule=RANGE_TEST,
        evaluate=False,
        probe_every=0,
    )
    run = lab.run([trial], purpose)[0]
    bracket = None if run.skipped else read_bracket(run.trace.lr, run.trace.loss)
    if bracket is None:
        return None
    return grid_index(bracket.divergence_lr) if bracket.learnt else grid_index(variant.lr) + COARSE_BELOW[0]


def arm_of(ground: CommonGround, fix: str, variant: Settings, runs: Runs) -> Arm | None:
    """Return the arm of a variant at its best learning rate; None without runs."""
    if not runs:
        return None
    lrs = sorted(runs)
    reasons = [reason_for(runs[lr], ground.sweep) for lr in lrs]
    gains = [_gains(ground, runs)[lr] for lr in lrs]
    best = _best(gains, reasons)
    return Arm(
        fix=fix,
        settings=replace(variant, lr=lrs[best]),
        screened=tuple(runs[lr] for lr in lrs),
        infeasible=tuple(reasons),
        screened_gain=ground.gain(runs[lrs[best]]),
    )


def _best(gains: Sequence[float], reasons: Sequence[str | None]) -> int:
    """Return the index of the best lr; of those as good within the margin, one that is not next to a failing one (PROTOCOL 2.4)."""
    best = max(range(len(gains)), key=lambda index: gains[index])
    near = [index for index, gain in enumerate(gains) if gain >= gains[best] - PRACTICAL_MARGIN]
    safe = [index for index in near if index + 1 == len(gains) or reasons[index + 1] is None]
    return max(safe, key=lambda index: gains[index], default=best)


def chosen(arms: Sequence[Arm]) -> Arm | None:
    """Return the mildest variant within the practical margin of the best one; None where nothing was measured.

    Mild: a short warmup, a high threshold. What is refused counts only where everything is.
    """
    measured = [arm for arm in arms if arm.screened_gain is not None]
    usable = [arm for arm in measured if not arm.refused] or measured
    if not usable:
        return None
    best = max(arm.screened_gain or 0.0 for arm in usable)
    near = [arm for arm in usable if (arm.screened_gain or 0.0) >= best - PRACTICAL_MARGIN]
    return min(near, key=lambda arm: (arm.settings.warmup_steps, -(arm.settings.clip_norm or 0.0)))


def promising(arm: Arm) -> bool:
    """Return whether an arm gained more than the practical margin on the screening seed, and nothing speaks against it."""
    return not arm.refused and (arm.screened_gain or 0.0) > PRACTICAL_MARGIN


def _past_best(ground: CommonGround, runs: Runs) -> bool:
    gains = list(_gains(ground, runs).values())
    return gains[-1] < max(gains) - PRACTICAL_MARGIN


def _gains(ground: CommonGround, runs: Runs) -> dict[float, float]:
    return {lr: gain if (gain := ground.gain(run)) is not None else -math.inf for lr, run in runs.items()}


def _run(ground: CommonGround, variant: Settings, indices: Sequence[int], runs: dict[float, Run], purpose: str) -> bool:
    """Run grid points; return whether all fitted the budget."""
    for index in indices:
        run = ground.screen(replace(variant, lr=grid_lr(index)), purpose)
        if run is None:
            return False
        runs[grid_lr(index)] = run
    return True
