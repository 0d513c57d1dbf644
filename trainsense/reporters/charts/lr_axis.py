"""The learning-rate axis (tuning playbook, figures 7a and 8): loss against lr, failures as crosses at the top."""

import math
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from trainsense.records.evidence import LearningRateSweep, SweepPoint
from trainsense.reporters.charts.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    legend_below,
    new_figure,
)
from trainsense.reporters.numbers import lr_text
from trainsense.reporters.trial_loss import trial_loss

CROSS_HEIGHT: Final = 0.97
"""Height of the crosses as a share of the axis: they have no loss to stand at."""

LOG_SPREAD: Final = 30.0
"""Positive losses that span more than this factor are shown on a log axis."""

NARROW_SPAN: Final = 30.0
"""Learning rates that span less than this factor are labelled one by one."""

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
    _draw_failures(axes, sweep)
    _set_lr_axis(axes, [point.lr for point in sweep.points])
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
    if user_lr is not None and user_lr > 0:
        axes.axvline(user_lr, color=PURPLE, linestyle="--", linewidth=1.8, label=f"your lr {lr_text(user_lr)}")


def _draw_losses(axes: Axes, sweep: LearningRateSweep) -> None:
    lrs, means = [], []
    for point in sweep.points:
        losses = _feasible_losses(point)
        if losses:
            lrs.append(point.lr)
            means.append(float(np.mean(losses)))
        if len(losses) > 1:
            axes.plot([point.lr] * len(losses), losses, "_", color=BLUE, markersize=11, alpha=0.8)
            axes.vlines(point.lr, min(losses), max(losses), color=BLUE, linewidth=1.2, alpha=0.8)
    if lrs:
        axes.plot(lrs, means, "-", color=BLUE, linewidth=1.0, alpha=0.6)
        axes.plot(lrs, means, "o", color=BLUE, markersize=6, label="trains (mean; dashes: seeds)")
    best = [(lr, mean) for lr, mean in zip(lrs, means, strict=True) if lr == _grid_lr(sweep)]
    if best:
        style: dict[str, Any] = {"markersize": 15, "markerfacecolor": ORANGE, "markeredgecolor": BLACK}
        axes.plot(*best[0], "*", zorder=5, label=f"best, {lr_text(best[0][0])}", **style)
    _set_loss_axis(axes, sweep, means)


def _set_lr_axis(axes: Axes, lrs: list[float]) -> None:
    """Label decades as plain numbers, or each lr tried where they span too little for decades to help."""
    axes.set_xlabel("learning rate")
    if max(lrs) / min(lrs) < NARROW_SPAN:
        axes.set_xticks(lrs)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: lr_text(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _set_loss_axis(axes: Axes, sweep: LearningRateSweep, means: list[float]) -> None:
    """Show the losses that trials reached, and the initial loss where that does not squeeze them."""
    losses = [loss for point in sweep.points for loss in _feasible_losses(point)]
    if not losses:
        axes.set_ylim(0, 1)
        axes.set_yticks([])
        return
    low, high = min(losses), max(losses)
    initial = sweep.drop.initial
    if math.isfinite(initial) and low < initial <= low + 2.5 * max(high - low, 1e-12):
        axes.axhline(initial, color=GREY, linestyle=(0, (1, 3)), linewidth=1.2, label="initial loss")
        high = max(high, initial)
    if low > 0 and high / low > LOG_SPREAD and min(means) > 0:
        axes.set_yscale("log")
        axes.set_ylim(low / (high / low) ** 0.07, high * (high / low) ** 0.16)
        return
    room = (high - low) or max(abs(high), 1e-9) * 0.1
    axes.set_ylim(low - 0.08 * room, high + 0.18 * room)


def _draw_failures(axes: Axes, sweep: LearningRateSweep) -> None:
    failed = [point.lr for point in sweep.points if any(point.infeasible)]
    if failed:
        style: dict[str, Any] = {"color": VERMILLION, "markersize": 9, "markeredgewidth": 2.2, "clip_on": False}
        transform = axes.get_xaxis_transform()
        heights = [CROSS_HEIGHT] * len(failed)
        axes.plot(
            failed, heights, "x", transform=transform, label="fails (below: on how many seeds, if not all)", **style
        )
    partly = [point for point in sweep.points if any(point.infeasible) and not all(point.infeasible)]
    for point in partly:
        count = sum(reason is not None for reason in point.infeasible)
        text = f"{count}/{len(point.runs)}"
        at = (point.lr, CROSS_HEIGHT)
        axes.annotate(text, at, (0, -13), xycoords=axes.get_xaxis_transform(), textcoords="offset points", ha="center")


def _feasible_losses(point: SweepPoint) -> list[float]:
    losses = [trial_loss(run) for run, reason in zip(point.runs, point.infeasible, strict=True) if reason is None]
    return [loss for loss in losses if loss is not None and math.isfinite(loss)]


def _grid_lr(sweep: LearningRateSweep) -> float | None:
    best = sweep.best
    return None if best is None else best.lr
