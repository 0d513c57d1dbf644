"""The learning-rate axis (tuning playbook, figure 7a): loss against lr, failures as crosses at the top."""

from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from trainsense.records.evidence import LearningRateSweep
from trainsense.reporters.charts.lr_scales import (
    draw_crosses,
    failures,
    feasible_losses,
    mark_user_lr,
    set_loss_axis,
    set_lr_axis,
)
from trainsense.reporters.charts.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    SKY,
    VERMILLION,
    legend_below,
    new_figure,
)
from trainsense.reporters.numbers import lr_text

GRID_STEP: Final = 10 ** (1 / 3)
"""The grid's spacing (PROTOCOL 2.2)."""

ROUNDING: Final = 1.02
"""Room for rounding in "one grid point"."""


def draw_lr_axis(sweep: LearningRateSweep, *, user_lr: float | None) -> Figure:
    """Draw the final loss of every learning rate tried, each seed and the mean.

    Args:
        sweep: the sweep.
        user_lr: the learning rate that the user trains with today, None if unknown.
    """
    figure, (axes,) = new_figure(_title(sweep))
    axes.set_xscale("log")
    _draw_marks(axes, sweep, user_lr)
    _draw_losses(axes, sweep)
    label = "fails (n/m: on n of m seeds, else on all)"
    draw_crosses(axes, failures(sweep.points), color=VERMILLION, label=label)
    set_lr_axis(axes, [point.lr for point in sweep.points])
    axes.set_ylabel(f"final loss after {sweep.horizon} steps")
    legend_below(figure, [axes])
    return figure


def _title(sweep: LearningRateSweep) -> str:
    if sweep.best_lr is None:
        return "No learning rate trained"
    best = f"Best learning rate {lr_text(sweep.best_lr)}"
    if sweep.unstable_lr is None:
        fails = "fails on most seeds" if any(any(point.infeasible) for point in sweep.points) else "fails"
        return f"{best}; none of those tried, up to {lr_text(sweep.points[-1].lr)}, {fails}"
    ratio = sweep.unstable_lr / sweep.best_lr
    if ratio <= GRID_STEP * ROUNDING:
        return f"{best} is one grid point below failure"
    return f"{best}; learning rates fail from {lr_text(sweep.unstable_lr)}, {ratio:.2g} times higher"


def _draw_marks(axes: Axes, sweep: LearningRateSweep, user_lr: float | None) -> None:
    if sweep.best_range is not None:
        low, high = sweep.best_range
        edge = GRID_STEP**0.4
        axes.axvspan(low / edge, high * edge, color=SKY, alpha=0.22, linewidth=0, label="not told apart from the best")
    if sweep.unstable_lr is not None:
        label = f"fails from {lr_text(sweep.unstable_lr)}"
        axes.axvline(sweep.unstable_lr, color=VERMILLION, linestyle=":", linewidth=1.4, label=label)
    if sweep.edge_lr is not None and sweep.edge_lr != sweep.best_lr:
        label = f"trains up to {lr_text(sweep.edge_lr)} (edge)"
        axes.axvline(sweep.edge_lr, color=GREEN, linestyle="-.", linewidth=1.2, label=label)
    mark_user_lr(axes, user_lr)


def _draw_losses(axes: Axes, sweep: LearningRateSweep) -> None:
    lrs, means = [], []
    for point in sweep.points:
        losses = feasible_losses(point)
        if losses:
            lrs.append(point.lr)
            means.append(float(np.mean(losses)))
        if len(losses) > 1:
            axes.plot([point.lr] * len(losses), losses, "_", color=BLUE, markersize=11, alpha=0.8)
            axes.vlines(point.lr, min(losses), max(losses), color=BLUE, linewidth=1.2, alpha=0.8)
    if lrs:
        axes.plot(lrs, means, "-", color=BLUE, linewidth=1.0, alpha=0.6)
        axes.plot(lrs, means, "o", color=BLUE, markersize=6, label="trains (mean; dashes: seeds)")
    dropped = [point.lr for point in sweep.points if any(run.dropped for run in point.runs)]
    early = [(lr, mean) for lr, mean in zip(lrs, means, strict=True) if lr in dropped]
    if early:
        axes.plot(
            *zip(*early, strict=True), "o", color=BLUE, markerfacecolor="white", label="stopped early: too far behind"
        )
    best = [(lr, mean) for lr, mean in zip(lrs, means, strict=True) if lr == _grid_lr(sweep)]
    if best:
        style: dict[str, Any] = {"markersize": 15, "markerfacecolor": ORANGE, "markeredgecolor": BLACK}
        axes.plot(*best[0], "*", zorder=5, label=f"best, {lr_text(best[0][0])}", **style)
    shown = [loss for point in sweep.points for loss in feasible_losses(point)]
    set_loss_axis(axes, shown, initial=sweep.drop.initial)


def _grid_lr(sweep: LearningRateSweep) -> float | None:
    best = sweep.best
    return None if best is None else best.lr
