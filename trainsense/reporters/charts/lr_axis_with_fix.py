"""The learning-rate axis before and after a fix (tuning playbook, figure 8): what the fix makes possible."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from trainsense.records.evidence import FixesTried, LearningRateSweep
from trainsense.records.run import Run
from trainsense.records.settings import Settings
from trainsense.reporters.charts.lr_scales import (
    CROSS_HEIGHT,
    Failures,
    draw_crosses,
    failures,
    feasible_losses,
    fits,
    mark_user_lr,
    set_loss_axis,
    set_lr_axis,
)
from trainsense.reporters.charts.shown_fix import ShownFix, fails_without_fix, shown_fix, told_apart
from trainsense.reporters.charts.style import BLACK, BLUE, GREY, PURPLE, VERMILLION, new_figure
from trainsense.reporters.numbers import lr_text, number_text
from trainsense.reporters.trial_loss import trial_loss

SECOND_ROW: Final = 0.905
"""Height of the crosses of the axis with the fix: a row below those without, so that none covers another."""

LABEL_COLUMNS: Final = 34
"""Characters of a label before it wraps: three columns of them fit below the figure."""

BEFORE: Final[dict[str, Any]] = {"color": VERMILLION, "linestyle": "--", "marker": "o", "markerfacecolor": "white"}
AFTER: Final[dict[str, Any]] = {"color": BLUE, "linestyle": "-", "marker": "s"}
"""Apart by colour, by line, by shape and by being filled: any one of them will do."""


@dataclass(frozen=True, kw_only=True)
class _Side:
    """One of the two axes.

    Attributes:
        name: its entry in the legend.
        style: of its curve.
        height: of its crosses, as a share of the axis.
        lrs: learning rates that trained on any seed, ascending.
        losses: mean loss of each.
        failed: where trials failed.
        best: lr and loss of its star, None without one.
        fresh: losses on the fresh seeds behind the star; empty where it was screened only.
    """

    name: str
    style: dict[str, Any]
    height: float
    lrs: Sequence[float]
    losses: Sequence[float]
    failed: Sequence[Failures]
    best: tuple[float, float] | None
    fresh: Sequence[float] = ()

    @property
    def shown(self) -> list[float]:
        """Return every loss that the axis has to hold."""
        star = [] if self.best is None else [self.best[1]]
        return [*self.losses, *star, *self.fresh]


def draw_lr_axis_with_fix(
    sweep: LearningRateSweep, tried: FixesTried, *, user_lr: float | None, recommended: Settings | None = None
) -> Figure | None:
    """Draw the final loss of every learning rate without and with the fix, a star at the best of each.

    Args:
        sweep: the axis without a fix.
        tried: the fixes; the one shown is that of `shown_fix`.
        user_lr: the learning rate that the user trains with today, None if unknown.
        recommended: the settings that the report recommends, None if it recommends none.

    Returns:
        The figure, None where no fix is worth showing.
    """
    shown = shown_fix(sweep, tried, recommended)
    if shown is None:
        return None
    before, after = _before(sweep, tried, shown), _after(shown)
    figure, (axes,) = new_figure(shown.title, height=4.6)
    axes.set_title(shown.subtitle, loc="left", fontsize=9.5)
    axes.set_xscale("log")
    losses = [*before.shown, *after.shown]
    names = _star_names(before, after)
    columns = [_draw_side(axes, side, star) for side, star in zip((before, after), names, strict=True)]
    fails = user_lr is not None and fails_without_fix(sweep, user_lr)
    mark_user_lr(axes, user_lr, note=", which fails" if fails else "")
    yours = _baseline_loss(sweep, tried, shown)
    if user_lr is not None and yours is not None and losses and fits(yours, losses):
        label = f"yours on the fresh seeds, {number_text(yours, 3)}"
        axes.plot([tried.baseline.lr], [yours], "D", color=PURPLE, markeredgecolor=BLACK, zorder=5, label=label)
        losses.append(yours)
    set_loss_axis(axes, losses, initial=sweep.drop.initial)
    lrs = [point.lr for point in sweep.points] + [run.trial.lr for run in shown.arm.screened]
    set_lr_axis(axes, lrs)
    axes.set_ylabel(f"final loss after {sweep.horizon} steps")
    if len(before.fresh) > 1 or len(after.fresh) > 1:
        label = "a fresh seed (star: their mean)"
        axes.plot([], [], "_", color=GREY, markersize=11, markeredgewidth=1.5, label=label)
    known = {handle for column in columns for handle in column}
    others = [handle for handle in axes.get_legend_handles_labels()[0] if handle not in known]
    _draw_legend(figure, [*columns, others])
    return figure


def _before(sweep: LearningRateSweep, tried: FixesTried, shown: ShownFix) -> _Side:
    means = {point.lr: float(np.mean(losses)) for point in sweep.points if (losses := feasible_losses(point))}
    best, fresh = None, []
    if shown.without is not None and shown.judged is not None:
        best = (shown.without, shown.judged.baseline_loss)
        fresh = _finite(tried.control_runs[: shown.judged.pairs])
    elif shown.without is not None and sweep.best is not None and sweep.best.lr in means:
        best = (sweep.best.lr, means[sweep.best.lr])
    return _Side(
        name="without",
        style=BEFORE,
        height=CROSS_HEIGHT,
        lrs=list(means),
        losses=list(means.values()),
        failed=failures(sweep.points),
        best=best if best is not None and math.isfinite(best[1]) else None,
        fresh=fresh,
    )


def _after(shown: ShownFix) -> _Side:
    arm = shown.arm
    screened = list(zip(arm.screened, arm.infeasible, strict=True))
    trained = [run for run, reason in screened if reason is None and _finite([run])]
    failed = [Failures(run.trial.lr, 1, 1) for run, reason in screened if reason is not None]
    lost = sum(run.failed for run in arm.runs)
    if lost and all(one.lr != arm.settings.lr for one in failed):
        failed.append(Failures(arm.settings.lr, lost, len(arm.runs)))
    best = None if shown.loss is None or not math.isfinite(shown.loss) else (arm.settings.lr, shown.loss)
    if shown.judged is None and all(run.trial.lr != arm.settings.lr for run in trained):
        best = None
    return _Side(
        name=f"with {shown.words}",
        style=AFTER,
        height=SECOND_ROW,
        lrs=[run.trial.lr for run in trained],
        losses=_finite(trained),
        failed=failed,
        best=best,
        fresh=_finite(arm.runs) if shown.judged is not None else (),
    )


def _star_names(before: _Side, after: _Side) -> tuple[str, str]:
    """Return the entries of the two stars, with as many digits as tell them apart."""
    bests = [math.nan if side.best is None else side.best[1] for side in (before, after)]
    lrs = [math.nan if side.best is None else side.best[0] for side in (before, after)]
    one, other = told_apart(bests[0], bests[1])
    return f"best: lr {lr_text(lrs[0])}, loss {one}", f"best: lr {lr_text(lrs[1])}, loss {other}"


def _draw_side(axes: Axes, side: _Side, star: str) -> list[Artist]:
    """Draw one axis; return the entries of its column of the legend."""
    color = side.style["color"]
    handles: list[Artist] = list(
        axes.plot(side.lrs, side.losses, markersize=5.5, linewidth=1.5, label=side.name, zorder=3, **side.style)
    )
    if side.best is not None:
        lr, loss = side.best
        if len(side.fresh) > 1:
            axes.vlines(lr, min(side.fresh), max(side.fresh), color=color, linewidth=1.2, zorder=3)
            axes.plot([lr] * len(side.fresh), side.fresh, "_", color=color, markersize=11, zorder=3)
        style: dict[str, Any] = {"markersize": 15, "markerfacecolor": color, "markeredgecolor": BLACK, "zorder": 6}
        handles += axes.plot([lr], [loss], "*", linestyle="none", label=star, **style)
    partly = any(one.failed < one.seeds for one in side.failed)
    drawn = len(axes.lines)
    label = "fails (n/m: on n of m seeds)" if partly else "fails"
    draw_crosses(axes, side.failed, color=color, label=label, height=side.height)
    return [*handles, *axes.lines[drawn:]]


def _baseline_loss(sweep: LearningRateSweep, tried: FixesTried, shown: ShownFix) -> float | None:
    """Return the loss of the user's own setting on the fresh seeds; None where it is lr*, or fails on all of them."""
    compared = shown.arm.against_baseline
    is_best = sweep.best_lr is not None and math.isclose(tried.baseline.lr, sweep.best_lr, rel_tol=1e-3)
    if compared is None or is_best or not _finite(tried.baseline_runs):
        return None
    return compared.baseline_loss


def _draw_legend(figure: Figure, columns: Sequence[Sequence[Artist]]) -> None:
    """Put a legend of one column a side below the figure."""
    rows = max(len(column) for column in columns)
    blank = Line2D([], [], linestyle="none", label=" ")
    handles = [handle for column in columns for handle in [*column, *[blank] * (rows - len(column))]]
    labels = [textwrap.fill(str(handle.get_label()), LABEL_COLUMNS, break_on_hyphens=False) for handle in handles]
    figure.legend(handles, labels, loc="outside lower left", ncols=len(columns))


def _finite(runs: Sequence[Run]) -> list[float]:
    losses = [trial_loss(run) for run in runs]
    return [loss for loss in losses if loss is not None and math.isfinite(loss)]
