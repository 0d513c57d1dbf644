"""The learning-rate axis in one line: a bar per lr tried, a cross where it fails, a star at the best."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from trainsense.records.report import Report
from trainsense.reporters.numbers import as_number, lr_text
from trainsense.reporters.sections.layout import heading, indented, text_of

LEVELS: Final = "▁▂▃▄▅▆▇█"
FAILS: Final = "×"
FAILS_SOMETIMES: Final = "!"
BEST: Final = "★"
UNKNOWN: Final = "?"


@dataclass(frozen=True, kw_only=True)
class LrStrip:
    """The learning-rate axis as characters.

    Args:
        lines: the axis, and below it the user's own learning rate, if known.
        legend: what the characters mean.
        figures: the numbers that were read from it.
    """

    lines: tuple[str, ...]
    legend: str
    figures: str


@dataclass(frozen=True, kw_only=True)
class _Point:
    lr: float
    loss: float | None
    failed: int
    seeds: int


def lr_axis_section(report: Report) -> Iterator[RenderableType]:
    """Yield the axis with its legend and the figures it was read from; nothing where no sweep ran."""
    strip = lr_strip(report)
    if strip is None:
        return
    yield heading("Learning rates tried")
    for line in strip.lines:
        yield indented(Text(line, overflow="fold"))
    yield indented(text_of(strip.legend, "dim"))
    yield indented(text_of(strip.figures))


def lr_strip(report: Report) -> LrStrip | None:
    """Return the axis as characters; None where no sweep ran."""
    sweep = report.stages.get("sweep_lr")
    points = _points(sweep["trials"]) if sweep else []
    if not sweep or not points:
        return None
    marks = "".join(_marks(points, as_number(sweep["best_lr"])).values())
    low = f"{lr_text(points[0].lr)} "
    lines = [f"{low}{marks} {lr_text(points[-1].lr)}"]
    user_lr = as_number(report.stages.get("user_setting", {}).get("lr"))
    if user_lr is not None and math.isfinite(user_lr) and user_lr > 0:
        nearest = min(range(len(points)), key=lambda index: abs(math.log(points[index].lr) - math.log(user_lr)))
        lines.append(" " * (len(low) + nearest) + f"^ yours, {lr_text(user_lr)}")
    return LrStrip(lines=tuple(lines), legend=legend_of(marks), figures=_figures(sweep))


def marks_by_lr(report: Report) -> Mapping[float, str]:
    """Return the character of each learning rate tried, ascending; nothing where no sweep ran."""
    sweep = report.stages.get("sweep_lr")
    return _marks(_points(sweep["trials"]), as_number(sweep["best_lr"])) if sweep else {}


def trials_by_lr(trials: Sequence[Mapping[str, Any]]) -> dict[float, list[Mapping[str, Any]]]:
    """Return the trials of a sweep by learning rate, ascending."""
    by_lr: dict[float, list[Mapping[str, Any]]] = {}
    for trial in trials:
        lr = as_number(trial["lr"])
        if lr is not None and math.isfinite(lr) and lr > 0:
            by_lr.setdefault(lr, []).append(trial)
    return dict(sorted(by_lr.items()))


def _points(trials: Sequence[Mapping[str, Any]]) -> list[_Point]:
    """Gather the trials of each learning rate, ascending."""
    points = []
    for lr, group in trials_by_lr(trials).items():
        losses = [as_number(trial["loss"]) for trial in group if trial["feasible"]]
        finite = [loss for loss in losses if loss is not None and math.isfinite(loss)]
        failed = sum(not trial["feasible"] for trial in group)
        mean = sum(loss / len(finite) for loss in finite) if finite else None
        points.append(_Point(lr=lr, loss=mean, failed=failed, seeds=len(group)))
    return points


def _marks(points: Sequence[_Point], best_lr: float | None) -> dict[float, str]:
    losses = [point.loss for point in points if point.loss is not None]
    low, high = (min(losses), max(losses)) if losses else (0.0, 0.0)
    return {point.lr: _mark(point, best_lr, low, high) for point in points}


def _mark(point: _Point, best_lr: float | None, low: float, high: float) -> str:
    if best_lr is not None and math.isclose(point.lr, best_lr, rel_tol=1e-3):
        return BEST
    if 2 * point.failed >= point.seeds:
        return FAILS
    if point.failed:
        return FAILS_SOMETIMES
    if point.loss is None:
        return UNKNOWN
    share = (point.loss - low) / (high - low) if 0.0 < high - low < math.inf else 0.0
    return LEVELS[min(len(LEVELS) - 1, int(share * len(LEVELS)))]


def legend_of(marks: str) -> str:
    """Return what the characters of an axis mean."""
    parts = [f"{LEVELS[0]} low loss  {LEVELS[-1]} high loss"]
    named = ((BEST, "best"), (FAILS, "fails"), (FAILS_SOMETIMES, "fails on some seeds"), (UNKNOWN, "no loss measured"))
    parts += [f"{mark} {meaning}" for mark, meaning in named if mark in marks]
    return "  ".join(parts)


def _figures(sweep: Mapping[str, Any]) -> str:
    best = as_number(sweep["best_lr"])
    if best is None:
        parts = ["no learning rate trained"]
    else:
        parts = [f"best {lr_text(best)}"]
        ends = sweep["best_range"]
        if ends is not None and ends[0] != ends[1]:
            parts[0] += f" (not told apart from {lr_text(ends[0])} to {lr_text(ends[1])})"
    if sweep["edge_lr"] is not None:
        parts.append(f"trains up to {lr_text(sweep['edge_lr'])} (edge)")
    if sweep["unstable_lr"] is not None:
        parts.append(f"fails from {lr_text(sweep['unstable_lr'])}")
    half = sweep.get("best_lr_half_horizon")
    if half is not None:
        parts.append(f"best at half the steps {lr_text(half)}")
    return "; ".join(parts) + f"; {sweep['horizon']} steps a trial"
