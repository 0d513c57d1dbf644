"""Marks on loss curves: where an instability began, where a curve left the axis, where a trial was stopped."""

import math
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes

from trainsense.records.evidence import InstabilityRun
from trainsense.records.run import Run
from trainsense.records.trace import Series
from trainsense.reporters.charts.style import BLACK, GREY, MARKERS, PALETTE

EDGE_HEIGHT: Final = 0.975
"""Height, as a share of the axis, of the marks of curves that left it."""

ONSET: Final = "onset"
LEFT: Final = "left the axis"
STOPPED: Final = "stopped"
"""What a mark stands for: kept on the mark itself, so that the key shows only what was drawn."""


def draw_onset(axes: Axes, watched: InstabilityRun, *, index: int, top: float, first_step: int = 0) -> None:
    """Mark the step at which the event of a run began, if it has one.

    Args:
        axes: where to.
        watched: the run, its probe loss drawn.
        index: which colour and marker.
        top: upper end of the axis.
        first_step: the number shown for the first step.
    """
    event, losses = watched.event, watched.run.trace.probe_loss
    if event is None or not 0 <= event.onset_step < len(losses) or not math.isfinite(losses[event.onset_step]):
        return
    style: dict[str, Any] = {"markerfacecolor": PALETTE[index % len(PALETTE)], "markeredgecolor": BLACK}
    height = min(float(losses[event.onset_step]), top)
    marker = MARKERS[index % len(MARKERS)]
    axes.plot([event.onset_step + first_step], [height], marker, markersize=8, zorder=6, gid=ONSET, **style)


def draw_end(axes: Axes, run: Run, losses: Series, *, index: int, top: float, first_step: int = 0) -> None:
    """Mark where a curve first leaves the axis, and where its trial was stopped.

    Args:
        axes: where to.
        run: the run.
        losses: the curve drawn, shape `(steps,)`.
        index: which colour.
        top: upper end of the axis.
        first_step: the number shown for the first step.
    """
    style: dict[str, Any] = {"color": PALETTE[index % len(PALETTE)], "zorder": 6, "linestyle": "none"}
    style["transform"] = axes.get_xaxis_transform()
    with np.errstate(invalid="ignore"):
        above = np.flatnonzero(losses > top)
    if len(above):
        axes.plot([above[0] + first_step], [EDGE_HEIGHT], marker="^", markersize=7, gid=LEFT, **style)
    if run.stopped_at is not None:
        at = run.stopped_at + first_step
        axes.plot([at], [EDGE_HEIGHT], marker="x", markersize=8, markeredgewidth=2, gid=STOPPED, **style)


def draw_key(axes: Axes) -> None:
    """Add the marks that were drawn to the legend, in grey, since every curve has its own colour."""
    drawn = {line.get_gid() for line in axes.get_lines()}
    for meaning, marker in ((LEFT, "^"), (STOPPED, "x")):
        if meaning in drawn:
            axes.plot([], [], marker, color=GREY, markersize=7, markeredgewidth=2, label=meaning)
    if ONSET in drawn:
        axes.plot([], [], "o", color="white", markeredgecolor=BLACK, markersize=7, label="framed marker: onset")
