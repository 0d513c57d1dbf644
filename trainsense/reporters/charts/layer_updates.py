"""How far a step moves each layer's weights, by depth: the panel beside the map of gradients."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from trainsense.reporters.charts.log_ticks import label_decades, whole_decades, within_reach
from trainsense.reporters.charts.style import BLUE, SKY, VERMILLION

CUSTOMARY: Final = 1e-3
"""Update over weight that is customary (PROTOCOL 8)."""
MANY: Final = 40
"""Layers from which on marks are smaller."""

Cells = NDArray[np.float64]


def draw_updates(axes: Axes, cells: Cells, steps: Sequence[int]) -> list[Any]:
    """Draw each layer's update ratio: its range over the steps, and where it was last read.

    Args:
        axes: row 0 is layer 0.
        cells: update norm over weight norm, shape `(layers, snapshots)`, at least one of them finite and positive; what is
            neither is not drawn.
        steps: of the snapshots.

    Returns:
        The handles of the key.
    """
    known = np.isfinite(cells) & (cells > 0)
    cells = within_reach(np.where(known, cells, np.inf))
    depth, some = np.arange(len(cells)), known.any(axis=1)
    end = np.flatnonzero(known.any(axis=0))[-1]
    last = known[:, end]
    lowest = cells.min(axis=1)[some]
    highest = np.where(known, cells, 0.0).max(axis=1)[some]
    size = 5.0 if len(cells) < MANY else 2.5
    span = axes.hlines(depth[some], lowest, highest, color=SKY, linewidth=0.7 * size, label="range over the steps")
    (dots,) = axes.plot(cells[last, end], depth[last], "o", color=BLUE, markersize=size, label=f"step {steps[end]}")
    mark = axes.axvline(CUSTOMARY, color=VERMILLION, linestyle="--", linewidth=1.5, label="1e-03, customary")
    axes.set_xscale("log")
    low, high = whole_decades(np.array([*lowest, *highest, CUSTOMARY / 10, CUSTOMARY * 10]), least=1)
    axes.set_xlim(low / 1.5, high * 1.5)
    label_decades(axes.xaxis, low, high, most=4)
    axes.minorticks_off()
    axes.set_yticks([])
    axes.set_xlabel("update norm / weight norm")
    return [dots, span, mark]
