"""Loss against step above the best learning rate (tuning playbook, figures 5 and 7b)."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from trainsense.records.evidence import InstabilityCheck, InstabilityRun, LearningRateSweep, SweepPoint
from trainsense.records.run import Run
from trainsense.records.trace import Series
from trainsense.reporters.charts.curve import draw_curve
from trainsense.reporters.charts.marks import draw_end, draw_key, draw_onset
from trainsense.reporters.charts.style import new_figure
from trainsense.reporters.numbers import lr_text, number_text

POINTS_ABOVE: Final = 3
"""Grid points above the best whose training curves are drawn beside the best's."""

HEADROOM: Final = 1.5
"""The axis ends this many drops above the initial loss: a divergence must not flatten the rest."""


def draw_loss_curves(check: InstabilityCheck | None, sweep: LearningRateSweep | None) -> Figure | None:
    """Draw the probe loss of the runs above the best lr, and the training loss of the grid points just above it.

    Args:
        check: the instability check, None if it did not run.
        sweep: the sweep, None if it did not run.

    Returns:
        The figure, None where there is nothing to draw.
    """
    watched = [] if check is None else [run for run in check.runs if np.isfinite(run.run.trace.probe_loss).any()]
    points = _points_above(sweep)
    if not watched and not points:
        return None
    panels = (1,) * (bool(watched) + bool(points))
    figure, axes = new_figure(_title(check, sweep, watched), panels=panels, height=4.6)
    if watched:
        _draw_watched(axes[0], watched, sweep)
    if points:
        _draw_points(axes[-1], points, sweep)
    for panel in axes:
        draw_key(panel)
        panel.legend(loc="upper left", bbox_to_anchor=(-0.05, -0.16), ncols=1 if len(axes) > 1 else 2)
    return figure


def _title(
    check: InstabilityCheck | None,
    sweep: LearningRateSweep | None,
    watched: Sequence[InstabilityRun],
) -> str:
    events = [run for run in watched if run.event is not None]
    if check is None or not watched:
        best = None if sweep is None else sweep.best_lr
        return f"Training loss at the best learning rate, {lr_text(best)}, and just above it"
    if not events:
        factor = max(run.factor for run in watched)
        return (
            f"No instability within {check.horizon} steps up to {number_text(factor, 3)} times the best learning rate"
        )
    first = min(events, key=lambda run: run.factor)
    event = first.event
    when = "Early" if first.kind == "early" else "Mid-training"
    back = "recovers" if event is not None and event.recovered else "does not recover"
    onset = 0 if event is None else event.onset_step
    return (
        f"{when} instability at {number_text(first.factor, 3)} times the best learning rate: from step {onset}, {back}"
    )


def _points_above(sweep: LearningRateSweep | None) -> list[SweepPoint]:
    """Return the best grid point and those just above it that have a curve; none where nothing lies above."""
    if sweep is None or sweep.best_lr is None:
        return []
    above = [point for point in sweep.points if point.lr >= sweep.best_lr * 0.999 and point.runs]
    drawable = [point for point in above[: POINTS_ABOVE + 1] if np.isfinite(point.runs[0].trace.loss).any()]
    return drawable if len(drawable) > 1 else []


def _draw_watched(axes: Axes, watched: Sequence[InstabilityRun], sweep: LearningRateSweep | None) -> None:
    early = any(run.kind == "early" for run in watched)
    first_step = 1 if early else 0
    factors = sorted({run.factor for run in watched})
    limits = _limits([run.run.trace.probe_loss for run in watched], _initial(sweep, [run.run for run in watched]))
    for run in watched:
        index = factors.index(run.factor)
        earlier = any(other.factor == run.factor for other in watched[: watched.index(run)])
        label = f"{number_text(run.factor, 3)}x best lr = {lr_text(run.run.trial.lr)}{_onset_text(run)}"
        draw_curve(axes, run.run.trace.probe_loss, index=index, label="_" if earlier else label, first_step=first_step)
        draw_end(axes, run.run, run.run.trace.probe_loss, index=index, top=limits[1], first_step=first_step)
        draw_onset(axes, run, index=index, top=limits[1], first_step=first_step)
    if early:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: number_text(step)))
    axes.set_ylim(*limits)
    axes.set_title("probe loss, every step", loc="left", fontsize=9.5)
    axes.set_xlabel("step (log scale)" if early else "step")
    axes.set_ylabel("loss")


def _draw_points(axes: Axes, points: Sequence[SweepPoint], sweep: LearningRateSweep | None) -> None:
    runs = [point.runs[0] for point in points]
    limits = _limits([run.trace.loss for run in runs], _initial(sweep, runs))
    for index, (point, run) in enumerate(zip(points, runs, strict=True)):
        reason = point.infeasible[0]
        label = f"lr {lr_text(point.lr)}" + (" (best)" if index == 0 else f" ({reason})" if reason else "")
        draw_curve(axes, run.trace.loss, index=index, label=label, smooth=True)
        draw_end(axes, run, run.trace.loss, index=index, top=limits[1])
    axes.set_ylim(*limits)
    axes.set_title("training loss, sweep (raw faint, mean bold)", loc="left", fontsize=9.5)
    axes.set_xlabel("step")


def _onset_text(watched: InstabilityRun) -> str:
    return "" if watched.event is None else f", onset at step {watched.event.onset_step}"


def _initial(sweep: LearningRateSweep | None, runs: Sequence[Run]) -> float | None:
    known = [run.initial_loss for run in runs if run.initial_loss is not None]
    values = ([] if sweep is None else [sweep.drop.initial]) + known
    return next((value for value in values if math.isfinite(value)), None)


def _limits(curves: Sequence[Series], initial: float | None) -> tuple[float, float]:
    """Return the range of losses to show: from the lowest to some drops above the initial loss."""
    finite = np.concatenate([curve[np.isfinite(curve)] for curve in curves])
    low, high = float(finite.min()), float(finite.max())
    start = initial if initial is not None else float(curves[0][np.isfinite(curves[0])][0])
    if start > low:
        high = min(high, start + HEADROOM * (start - low))
    room = (high - low) or max(abs(high), 1e-9)
    return low - 0.05 * room, high + 0.12 * room
