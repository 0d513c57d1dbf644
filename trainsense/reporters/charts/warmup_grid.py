"""The warmup sweep as a grid: warmup length against peak learning rate, a cell per setting."""

import math
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from trainsense.records.evidence import WarmupAttempt, WarmupSweep
from trainsense.reporters.charts.style import BLACK, GREY, SKY, VERMILLION, new_figure
from trainsense.reporters.numbers import lr_text, number_text
from trainsense.reporters.trial_loss import trial_loss

HATCH: Final = "////"


def draw_warmup_grid(sweep: WarmupSweep) -> Figure | None:
    """Draw every warmup that was tried; None where none was."""
    if not sweep.attempts:
        return None
    lengths = sorted({attempt.warmup_steps for attempt in sweep.attempts})
    lrs = sorted({attempt.lr for attempt in sweep.attempts})
    figure, (axes,) = new_figure(_title(sweep), height=2.3 + 0.75 * len(lrs))
    axes.grid(visible=False)
    for attempt in sweep.attempts:
        _draw_cell(axes, attempt, lengths.index(attempt.warmup_steps), lrs.index(attempt.lr), sweep)
    factors = {attempt.lr: attempt.factor for attempt in sweep.attempts}
    names = [f"{lr_text(lr)}\n({number_text(factors[lr], 3)}x unstable)" for lr in lrs]
    axes.set_xticks(range(len(lengths)), [str(length) for length in lengths])
    axes.set_yticks(range(len(lrs)), names)
    axes.set_xlim(-0.5, max(len(lengths), 3) - 0.5)
    axes.set_ylim(-0.5, len(lrs) - 0.5)
    axes.set_xlabel(f"warmup steps (lengths tried, ascending; longest allowed {sweep.longest_allowed})")
    axes.set_ylabel("peak learning rate")
    keys = [
        Patch(facecolor=SKY, edgecolor=GREY, label="trains on every seed (o)"),
        Patch(facecolor="white", edgecolor=VERMILLION, hatch=HATCH, label="fails on a seed or more (x)"),
    ]
    if sweep.warmup_steps is not None:
        keys.append(Patch(facecolor=SKY, edgecolor=BLACK, linewidth=3, label="shortest that works"))
    figure.legend(handles=keys, loc="outside lower left", ncols=3)
    return figure


def _title(sweep: WarmupSweep) -> str:
    if sweep.lr is None or sweep.warmup_steps is None:
        unstable = lr_text(sweep.unstable_lr)
        return f"No warmup of up to {sweep.longest_allowed} steps makes learning rates above {unstable} train"
    times = number_text(sweep.lr / sweep.unstable_lr, 2)
    return (
        f"{sweep.warmup_steps} warmup steps are the shortest that make learning rate {lr_text(sweep.lr)} train, "
        f"{times} times the one that fails without"
    )


def _draw_cell(axes: Axes, attempt: WarmupAttempt, column: int, row: int, sweep: WarmupSweep) -> None:
    works = attempt.works
    chosen = works and attempt.warmup_steps == sweep.warmup_steps and attempt.lr == sweep.lr
    cell = Rectangle(
        (column - 0.46, row - 0.44),
        0.92,
        0.88,
        facecolor=SKY if works else "white",
        edgecolor=BLACK if chosen else GREY if works else VERMILLION,
        linewidth=3 if chosen else 1,
        hatch=None if works else HATCH,
        zorder=3 if chosen else 2,
    )
    axes.add_patch(cell)
    losses = [trial_loss(run) for run in attempt.runs]
    known = [loss for loss in losses if loss is not None and math.isfinite(loss)]
    loss = f"loss {number_text(float(np.mean(known)), 3)}" if known else "loss not finite"
    count = f"{sum(attempt.feasible)} of {len(attempt.feasible)} train"
    backing = {"facecolor": "white", "edgecolor": "none", "pad": 2.0} if not works else None
    mark = "o" if works else "x"
    axes.text(column, row, f"{mark}\n{loss}\n{count}", ha="center", va="center", fontsize=8.5, bbox=backing, zorder=4)
