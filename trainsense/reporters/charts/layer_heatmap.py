"""The layers by depth against step: colour is the relative gradient; beside it, how far each step moves the weights."""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from trainsense.records.evidence import LayerReading, LayerStatistics
from trainsense.records.finding import Finding
from trainsense.reporters.charts.layer_labels import label_layers
from trainsense.reporters.charts.layer_updates import Cells, draw_updates
from trainsense.reporters.charts.log_ticks import label_decades, whole_decades, within_reach
from trainsense.reporters.charts.style import BLACK, GREY, VERMILLION, new_figure
from trainsense.reporters.layer_names import LayerName, findings_by_layer, shown_names
from trainsense.reporters.numbers import number_text

PLOT: Final = "layers"
"""What findings call this chart."""
COLORS: Final = "viridis"
"""Perceptually uniform, and in order of lightness in greyscale too (van der Walt and Smith 2015)."""
LEAST_DECADES: Final = 4
"""Span of the colours at least: a ratio of 1e-4 from layer to layer is where gradients vanish (PROTOCOL 8)."""
ROW_INCHES: Final = 0.2
HEIGHT_INCHES: Final = (3.4, 9.5)
"""Of the whole figure, at least and at most."""
FRAME_INCHES: Final = 2.0
"""Taken by title, axis labels and key."""


def draw_layer_heatmap(layers: LayerStatistics, findings: Sequence[Finding] = ()) -> Figure | None:
    """Draw every layer at every snapshot; None without any.

    Args:
        layers: the evidence.
        findings: the worst that names this plot is the title; layers that they name are marked.
    """
    rows = _rows(layers)
    if not rows:
        return None
    names = [LayerName(parameter=one.parameter, module=one.module) for one in rows]
    gradients = _cells(layers, rows, "relative_gradient")
    updates = _cells(layers, rows, "update_ratio")
    moves = bool(np.any(np.isfinite(updates) & (updates > 0)))
    low, high = HEIGHT_INCHES
    height = min(high, max(low, FRAME_INCHES + ROW_INCHES * len(rows)))
    about = [finding for finding in findings if PLOT in finding.plots]
    title = about[0].title if about else _title(gradients[:, 0], shown_names(names))
    figure, panels = new_figure(title, panels=(5, 3) if moves else (1,), height=height)
    steps = [snapshot.step for snapshot in layers.snapshots]
    keys = _draw_gradients(figure, panels[0], gradients, steps)
    if moves:
        keys += draw_updates(panels[1], updates, steps)
    for panel in panels:
        panel.set_ylim(len(rows) - 0.5, -0.5)
    named = findings_by_layer(findings, names)
    most = max(2, int((height - FRAME_INCHES) / ROW_INCHES) + 1)
    label_layers(panels[0], shown_names(names), named=named, most=most)
    if named:
        keys.append(Patch(facecolor="none", edgecolor="none", label="> named by a finding"))
    if keys:
        figure.legend(handles=keys, loc="outside lower left", ncols=3)
    return figure


def _rows(layers: LayerStatistics) -> list[LayerReading]:
    """Return the first reading of every layer, by depth."""
    first: dict[str, LayerReading] = {}
    for snapshot in layers.snapshots:
        for reading in snapshot.layers:
            first.setdefault(reading.parameter, reading)
    return sorted(first.values(), key=lambda reading: reading.depth)


def _cells(layers: LayerStatistics, rows: Sequence[LayerReading], figure: str) -> Cells:
    """Return a figure of the readings, shape `(layers, snapshots)`; masked as -1 where it was not measured."""
    index = {row.parameter: position for position, row in enumerate(rows)}
    cells = np.full((len(rows), len(layers.snapshots)), -1.0)
    for column, snapshot in enumerate(layers.snapshots):
        for reading in snapshot.layers:
            value = getattr(reading, figure)
            if value is not None:
                cells[index[reading.parameter], column] = value
    return cells


def _title(initial: Cells, names: Sequence[str]) -> str:
    known = [index for index, value in enumerate(initial) if value > 0 and math.isfinite(value)]
    odd = int(np.sum(~np.isfinite(initial)))
    if odd:
        return f"At initialisation the gradient of {odd} of {len(initial)} layers is not finite"
    if not known:
        return "At initialisation no layer has a gradient whose size could be compared with its weight"
    low, high = min(known, key=lambda at: initial[at]), max(known, key=lambda at: initial[at])
    if low == high:
        return f"At initialisation the relative gradient is {number_text(initial[low], 2)}"
    return (
        f"At initialisation the layers' relative gradients lie between {number_text(initial[low], 2)} ({names[low]}) "
        f"and {number_text(initial[high], 2)} ({names[high]})"
    )


def _draw_gradients(figure: Figure, axes: Axes, cells: Cells, steps: Sequence[int]) -> list[Any]:
    """Draw the cells with their colour bar; return the keys of those that have no colour."""
    axes.grid(visible=False)
    rows, columns = cells.shape
    edges = np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5
    known = np.isfinite(cells) & (cells > 0)
    low, high = whole_decades(cells[known], least=LEAST_DECADES)
    shown = np.ma.masked_array(within_reach(np.where(known, cells, 1.0)), ~known)
    mesh = axes.pcolormesh(*edges, shown, norm=LogNorm(low, high), cmap=colormaps[COLORS], zorder=2)
    bar = figure.colorbar(mesh, ax=axes, pad=0.02, aspect=7 * figure.get_figheight())
    bar.set_label("gradient norm / weight norm")
    label_decades(bar.ax.yaxis, low, high, most=9)
    bar.minorticks_off()
    axes.set_xticks(range(columns), [str(step) for step in steps])
    axes.set_xlabel("step (updates made)")
    axes.set_xlim(-0.5, columns - 0.5)
    unmeasured: dict[str, Any] = {"facecolor": "#EEEEEE", "edgecolor": GREY, "hatch": "////", "linewidth": 0}
    infinite: dict[str, Any] = {"facecolor": "white", "edgecolor": VERMILLION, "hatch": "xxxx", "linewidth": 0}
    nothing: dict[str, Any] = {"facecolor": BLACK, "edgecolor": "white", "hatch": "..", "linewidth": 0}
    special = (
        ("no figure, or a weight of zero", cells < 0, unmeasured),
        ("NaN or infinite", ~np.isfinite(cells), infinite),
        ("gradient of zero", cells == 0, nothing),
    )
    keys = []
    for label, where, style in special:
        for row, column in zip(*np.nonzero(where), strict=True):
            axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, zorder=3, **style))
        if np.any(where):
            keys.append(Patch(label=label, **style))
    return keys
