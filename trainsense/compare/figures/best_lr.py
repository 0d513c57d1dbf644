"""lr*: the same where the ranges that cannot be told from the best overlap (PROTOCOL 2.4)."""

from typing import Final

from trainsense.compare.figures.kind import (
    Decision,
    Kind,
    direction,
    ends,
    not_comparable,
    overlap,
    same,
    without_value,
)
from trainsense.compare.figures.sweep import SAME_LR, Sweep, horizons_apart
from trainsense.measure.grid import GRID_STEP
from trainsense.records.report_comparison import ComparedFigure, Reading
from trainsense.reporters.numbers import lr_text

NEIGHBOURS: Final = GRID_STEP * (1 + SAME_LR)
"""Ranges that end at neighbouring points of the grid are not apart: between seeds alone, at 60 steps, 10 of 174 pairs of
runs of seven recipes had such ranges (all of deep_residual_no_norm), and none had ranges further apart."""

KIND: Final = Kind(name="best_lr", title="best lr", interval="learning rates that cannot be told from the best")


def compare_best_lr(base: Sweep | None, new: Sweep | None) -> ComparedFigure:
    """Return what became of lr*."""
    apart = horizons_apart(base, new)
    return KIND.compared(_reading(base), _reading(new), lambda before, after: _decision(before, after, apart))


def _decision(base: Reading, new: Reading, apart: str) -> Decision:
    if missing := without_value(base, new):
        return missing
    if base.value == new.value:
        return same("the same learning rate")
    if unknown := [side for side, reading in (("BASE", base), ("NEW", new)) if reading.low is None]:
        return not_comparable(f"{' and '.join(unknown)} cannot say which other learning rates do as well")
    if overlap(base, _widened(new)):
        told = "overlap" if overlap(base, new) else "end at neighbouring points of the grid"
        return same(f"the ranges that cannot be told from the best {told}")
    if apart:
        return not_comparable(f"the best lr depends on the horizon: {apart}")
    reason = f"the ranges that cannot be told from the best are apart: {_range(base)} in BASE, {_range(new)} in NEW"
    return Decision(verdict=direction(base, new), reason=reason)


def _reading(sweep: Sweep | None) -> Reading | None:
    if sweep is None:
        return None
    if sweep.best_lr is None:
        return Reading(value=None, note="no learning rate trains")
    low, high = sweep.best_range or (None, None)
    return Reading(value=sweep.best_lr, low=low, high=high)


def _widened(reading: Reading) -> Reading:
    low, high = ends(reading)
    return Reading(value=reading.value, low=low / NEIGHBOURS, high=high * NEIGHBOURS)


def _range(reading: Reading) -> str:
    return f"{lr_text(reading.low)} to {lr_text(reading.high)}"
