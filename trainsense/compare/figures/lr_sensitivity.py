"""LR sensitivity: how much is lost within a decade of lr* (PROTOCOL 9), as a share of the loss drop."""

from typing import Final

from trainsense.compare.figures.kind import Decision, Kind, direction, not_comparable, same, value_of
from trainsense.compare.figures.sweep import Sweep, horizons_apart
from trainsense.measure.paired import PRACTICAL_MARGIN
from trainsense.records.report_comparison import ComparedFigure, Reading
from trainsense.reporters.numbers import number_text

KIND: Final = Kind(name="lr_sensitivity", title="lr sensitivity")

BY_CHANCE: Final = 5.0
"""Ratio up to which two sensitivities are the same. Between seeds alone, at 60 steps, shares of D differed by up to 4.9x
(healthy_cnn 0.021 to 0.102, healthy_mlp 0.042 to 0.122, deep_residual_no_norm 0.16 to 0.53, lr_too_high 0.23 to 0.33)."""


def compare_lr_sensitivity(base: Sweep | None, new: Sweep | None) -> ComparedFigure:
    """Return what became of the LR sensitivity; reports give no interval, so that only a large change counts."""
    apart = horizons_apart(base, new)
    shares = all(sweep is not None and sweep.drop is not None for sweep in (base, new))
    readings = [_reading(sweep, share=shares) for sweep in (base, new)]
    return KIND.compared(readings[0], readings[1], lambda before, after: _decision(before, after, apart, share=shares))


def _decision(base: Reading, new: Reading, apart: str, *, share: bool) -> Decision:
    if base.value == new.value:
        return same("the same")
    if apart:
        return not_comparable(f"it depends on the horizon: {apart}")
    least = PRACTICAL_MARGIN if share else 0.0
    low, high = sorted(max(value_of(reading), least) for reading in (base, new))
    if high <= BY_CHANCE * low:
        return same(f"no interval is known; up to {number_text(BY_CHANCE)}x may be chance")
    return Decision(verdict=direction(base, new), reason=f"more than {number_text(BY_CHANCE)}x apart")


def _reading(sweep: Sweep | None, *, share: bool) -> Reading | None:
    if sweep is None or sweep.sensitivity is None:
        return None
    if share and sweep.drop is not None:
        return Reading(value=sweep.sensitivity / sweep.drop, note="of the loss drop")
    return Reading(value=sweep.sensitivity, note="in units of the loss")
