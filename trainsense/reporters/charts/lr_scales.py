"""The two scales of a learning-rate axis, and what stands on it without a loss: crosses at the top, the user's lr."""

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from trainsense.records.evidence import SweepPoint
from trainsense.reporters.charts.style import GREY, PURPLE
from trainsense.reporters.numbers import lr_text
from trainsense.reporters.trial_loss import trial_loss

CROSS_HEIGHT: Final = 0.97
"""Height of the crosses as a share of the axis: they have no loss to stand at."""

LOG_SPREAD: Final = 30.0
"""Positive losses that span more than this factor are shown on a log axis."""

NARROW_SPAN: Final = 30.0
"""Learning rates that span less than this factor are labelled one by one."""

LABEL_SPACING: Final = 1.5
"""Of learning rates closer than this factor only the lower one is labelled: the labels would touch."""

MOST_SQUEEZE: Final = 2.5
"""A reference further off than this many times the losses' own range is left out: it would squeeze them."""


class Failures(NamedTuple):
    """One learning rate at which `failed` of `seeds` trials failed."""

    lr: float
    failed: int
    seeds: int


def feasible_losses(point: SweepPoint) -> list[float]:
    """Return the finite losses of the trials that were feasible."""
    losses = [trial_loss(run) for run, reason in zip(point.runs, point.infeasible, strict=True) if reason is None]
    return [loss for loss in losses if loss is not None and math.isfinite(loss)]


def failures(points: Sequence[SweepPoint]) -> list[Failures]:
    """Return the learning rates at which any trial failed."""
    counted = [Failures(one.lr, sum(reason is not None for reason in one.infeasible), len(one.runs)) for one in points]
    return [one for one in counted if one.failed]


def set_lr_axis(axes: Axes, lrs: Sequence[float]) -> None:
    """Label decades as plain numbers, or each lr tried where they span too little for decades to help.

    Args:
        axes: on a log scale.
        lrs: the learning rates shown, above 0, at least one.
    """
    axes.set_xlabel("learning rate")
    if max(lrs) / min(lrs) < NARROW_SPAN:
        ticks = [min(lrs)]
        for lr in sorted(lrs):
            if lr >= ticks[-1] * LABEL_SPACING:
                ticks.append(lr)
        axes.set_xticks(ticks)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: lr_text(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def set_loss_axis(axes: Axes, losses: Sequence[float], *, initial: float) -> None:
    """Show these losses with room above for crosses, and the initial loss where that does not squeeze them.

    Args:
        axes: where to.
        losses: finite; without any the axis has no scale.
        initial: the initial loss, finite or not.
    """
    if not losses:
        axes.set_ylim(0, 1)
        axes.set_yticks([])
        return
    low, high = min(losses), max(losses)
    if low < initial and fits(initial, losses):
        axes.axhline(initial, color=GREY, linestyle=(0, (1, 3)), linewidth=1.2, label="initial loss")
        high = max(high, initial)
    if low > 0 and high / low > LOG_SPREAD:
        axes.set_yscale("log")
        axes.set_ylim(low / (high / low) ** 0.07, high * (high / low) ** 0.16)
        return
    room = (high - low) or max(abs(high), 1e-9) * 0.1
    axes.set_ylim(low - 0.08 * room, high + 0.18 * room)


def fits(loss: float, losses: Sequence[float]) -> bool:
    """Return whether a loss can be shown beside these without squeezing them.

    >>> fits(3.0, [1.0, 2.0]), fits(30.0, [1.0, 2.0]), fits(math.nan, [1.0, 2.0])
    (True, False, False)
    """
    low, high = min(losses), max(losses)
    reach = MOST_SQUEEZE * max(high - low, 1e-12)
    return math.isfinite(loss) and high - reach <= loss <= low + reach


def draw_crosses(
    axes: Axes, failed: Sequence[Failures], *, color: str, label: str, height: float = CROSS_HEIGHT
) -> None:
    """Draw a cross at the top of the axis for each lr that failed; beside it on how many seeds, if not on all.

    Args:
        axes: where to.
        failed: learning rates with failures.
        color: of the crosses.
        label: their entry in the legend.
        height: as a share of the axis.
    """
    if not failed:
        return
    style: dict[str, Any] = {"color": color, "markersize": 9, "markeredgewidth": 2.2, "clip_on": False}
    transform = axes.get_xaxis_transform()
    axes.plot([one.lr for one in failed], [height] * len(failed), "x", transform=transform, label=label, **style)
    text: dict[str, Any] = {"xycoords": transform, "textcoords": "offset points", "va": "center"}
    text["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
    for one in failed:
        if one.failed < one.seeds:
            axes.annotate(f"{one.failed}/{one.seeds}", (one.lr, height), (7, 0), **text)


def mark_user_lr(axes: Axes, user_lr: float | None, *, note: str = "") -> None:
    """Draw a line at the learning rate that the user trains with today, if it is known.

    Args:
        axes: where to.
        user_lr: the learning rate, None if unknown.
        note: what is known of it, to follow in its entry in the legend.
    """
    if user_lr is not None and user_lr > 0:
        axes.axvline(user_lr, color=PURPLE, linestyle="--", linewidth=1.8, label=f"your lr {lr_text(user_lr)}{note}")
