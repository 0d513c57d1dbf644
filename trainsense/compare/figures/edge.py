"""The largest learning rate that trains, known between `edge_lr` and `unstable_lr` (PROTOCOL 2.5)."""

import math
from typing import Final

from trainsense.compare.figures.kind import Decision, Kind, ends, not_comparable, same
from trainsense.compare.figures.stable_range import StableRange, stable_range
from trainsense.compare.figures.sweep import Sweep, horizons_apart
from trainsense.measure.grid import POINTS_PER_DECADE
from trainsense.records.report_comparison import ComparedFigure, Reading
from trainsense.reporters.numbers import lr_text

KIND: Final = Kind(name="edge_lr", title="edge", interval="largest that trains, smallest that fails")

POINTS_BEYOND_NOISE: Final = 2
"""Points of the grid that train in one report and fail in the other, from which on the edge has moved."""
SEEDS_BEYOND_NOISE: Final = 3
"""Seeds that must all fail at a point in one report, and all train at it in the other, where it is one point alone."""
ROUNDING: Final = 0.05
"""Of a point of the grid: reports round to six digits."""


def compare_edge(base: Sweep | None, new: Sweep | None) -> ComparedFigure:
    """Return what became of the edge; a lower one is a regression only beyond noise."""

    def decision(before: Reading, after: Reading) -> Decision:
        assert base is not None, "a reading of nothing"
        assert new is not None, "a reading of nothing"
        return _decision(before, after, base, new)

    return KIND.compared(_reading(base), _reading(new), decision)


def _decision(before: Reading, after: Reading, base: Sweep, new: Sweep) -> Decision:
    if before.value is None and after.value is None:
        return same(f"in both: {after.note}")
    (low, high), (new_low, new_high) = ends(before), ends(after)
    if low < new_high and new_low < high:
        return same("the brackets between what trains and what fails overlap")
    if apart := horizons_apart(base, new):
        return not_comparable(f"which learning rate fails depends on the horizon: {apart}")
    if new_high <= low:
        beyond, reason = _moved(upper=(base, low, "BASE"), lower=(new, new_high, "NEW"))
        return Decision(verdict="lower", reason=reason, regression=beyond)
    beyond, reason = _moved(upper=(new, new_low, "NEW"), lower=(base, high, "BASE"))
    return Decision(verdict="higher", reason=reason, improvement=beyond)


def _moved(*, upper: tuple[Sweep, float, str], lower: tuple[Sweep, float, str]) -> tuple[bool, str]:
    """Say whether the edge of one sweep lies below that of another by more than chance moves it, and why.

    Args:
        upper: the sweep with the higher edge, the largest lr that trains in it, and its name.
        lower: the sweep with the lower edge, the smallest lr that fails in it, and its name.
    """
    trains, fails = upper[1], lower[1]
    points = 1 + POINTS_PER_DECADE * math.log10(trains / fails)
    told = f"{lr_text(fails)} fails in {lower[2]}, and {lr_text(trains)} trains in {upper[2]}"
    if points >= POINTS_BEYOND_NOISE - ROUNDING:
        return True, f"{told}: {math.floor(points + ROUNDING)} points of the grid"
    failed = [trial.feasible for trial in lower[0].at(fails)]
    trained = [trial.feasible for trial in upper[0].at(fails)]
    if min(len(failed), len(trained)) >= SEEDS_BEYOND_NOISE and not any(failed) and all(trained):
        return True, f"{told}: {len(failed)} of {len(failed)} seeds against none of {len(trained)}"
    return False, f"{told}: one point of the grid on so few seeds may be chance"


def _reading(sweep: Sweep | None) -> Reading | None:
    found = None if sweep is None else stable_range(sweep)
    if found is None:
        return None
    return Reading(value=found.edge, low=found.low, high=found.high, note=_note(found))


def _note(found: StableRange) -> str:
    if found.edge is None:
        return f"no learning rate trains, from {lr_text(found.high)} on"
    said = ["nothing above it failed"] if math.isinf(found.high) else []
    if found.event is not None:
        said.append(f"its instability check saw an event at {lr_text(found.event)}")
    return "; ".join(said)
