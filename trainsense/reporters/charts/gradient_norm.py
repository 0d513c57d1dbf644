"""Gradient norm against step and as a histogram, with the clipping threshold (tuning playbook, figure 9)."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from trainsense.records.evidence import ClipChoice
from trainsense.reporters.charts.curve import draw_curve
from trainsense.reporters.charts.style import BLACK, BLUE, ORANGE, SKY, VERMILLION, legend_below, new_figure
from trainsense.reporters.numbers import number_text, percent_text

BINS: Final = 40

AGGRESSIVE_PERCENTILE: Final = 50
"""A threshold here clips half of the updates: extremely aggressive (PROTOCOL 4.4)."""

PROPOSED_PERCENTILE: Final = 90
"""Where a threshold is looked for first (PROTOCOL 4.2)."""


class _Line(NamedTuple):
    norm: float
    color: str
    style: str
    label: str


def draw_gradient_norm(choice: ClipChoice) -> Figure | None:
    """Draw the unclipped norms of the stable run that the threshold was taken from; None without such a run."""
    run = choice.stable_run
    if run is None:
        return None
    norms = run.trace.grad_norm
    usable = norms[np.isfinite(norms) & (norms > 0)]
    if len(usable) == 0:
        return None
    figure, (curve, histogram) = new_figure(_title(choice), panels=(3, 1))
    shown = np.where(np.isfinite(norms) & (norms > 0), norms, np.nan)
    draw_curve(curve, shown, index=0, label="norm before clipping (raw faint, mean bold)", smooth=True)
    curve.set_yscale("log")
    curve.set_xlabel("step")
    curve.set_ylabel("gradient norm (L2, all parameters)")
    low, high = float(usable.min()), float(usable.max())
    edges = np.geomspace(low, max(high, low * 1.01), BINS + 1)
    histogram.hist(usable, bins=list(edges), orientation="horizontal", color=SKY, edgecolor=BLUE, linewidth=0.5)
    histogram.set_yscale("log")
    histogram.set_xlabel("steps")
    histogram.tick_params(labelleft=False)
    lines = _lines(choice)
    for line in lines:
        for panel in (curve, histogram):
            panel.axhline(line.norm, color=line.color, linestyle=line.style, linewidth=1.8, label=line.label)
    limits = _limits(low, high, lines)
    for panel in (curve, histogram):
        panel.set_ylim(*limits)
    legend_below(figure, [curve], columns=1)
    return figure


def _title(choice: ClipChoice) -> str:
    if choice.clip_norm is None:
        return f"No clipping threshold recommended: {choice.refused or 'not assessable'}"
    threshold = f"Clipping at {number_text(choice.clip_norm, 3)}"
    if choice.clipped_fraction is None:
        return f"{threshold} lies at the {choice.percentile}th percentile of a stable run's gradient norms"
    return f"{threshold} rescales {percent_text(choice.clipped_fraction)}% of the updates"


def _lines(choice: ClipChoice) -> list[_Line]:
    lines = []
    norms = {} if choice.percentiles is None else choice.percentiles.values
    over = (
        "" if choice.percentiles is None or choice.percentiles.used == "all" else f" of the {choice.percentiles.used}"
    )
    if choice.clip_norm is not None:
        label = f"threshold {number_text(choice.clip_norm, 3)} (percentile {choice.percentile}{over})"
        lines.append(_Line(choice.clip_norm, VERMILLION, "--", label))
    elif PROPOSED_PERCENTILE in norms:
        norm = norms[PROPOSED_PERCENTILE]
        lines.append(_Line(norm, BLACK, "-.", f"percentile 90{over}, {number_text(norm, 3)} (not recommended)"))
    if AGGRESSIVE_PERCENTILE in norms and choice.percentile != AGGRESSIVE_PERCENTILE:
        norm = norms[AGGRESSIVE_PERCENTILE]
        lines.append(
            _Line(norm, ORANGE, ":", f"too aggressive, {number_text(norm, 3)}: would clip half of the updates")
        )
    return lines


def _limits(low: float, high: float, lines: Sequence[_Line]) -> tuple[float, float]:
    levels = [low, high, *(line.norm for line in lines if line.norm > 0 and np.isfinite(line.norm))]
    return min(levels) / 1.3, max(levels) * 1.3
