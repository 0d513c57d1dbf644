"""The largest learning rate that trains, known between `edge_lr` and `unstable_lr` (PROTOCOL 2.5)."""

import math
from typing import Final, NamedTuple

from trainsense.compare.figures.kind import Decision, Kind, ends, not_comparable, same
from trainsense.compare.figures.stable_range import StableRange, stable_range
from trainsense.compare.figures.sweep import Sweep, horizons_apart
from trainsense.records.report_comparison import ComparedFigure, Reading
from trainsense.reporters.numbers import lr_text

KIND: Final = Kind(name="edge_lr", title="edge", interval="largest that trains, smallest that fails")

DECADES_BEYOND_NOISE: Final = 1.0
"""From so far on the edge has moved, however few trials show it. Between seeds alone, at 60 steps, brackets lay apart in 65
of 177 pairs of runs of eight recipes (most points of the grid have one seed): by one point, a third of a decade, in 56, by
two in 9 (wide_resnet and wide_resnet_stride), by more in none."""
TRIALS_BEYOND_NOISE: Final = 3
"""Trials that must all fail in one report, and all train in the other, at the learning rates in between, where it is less:
3 of 3 against 0 of 3 has p = 0.05 (Fisher). Between seeds alone it was so in 1 of those 177 pairs."""
DECADES_UNSEEN: Final = 2 / 3
"""From so far on the edge has moved where a report does not show the trials behind it, so that nobody can count them."""
ROUNDING: Final = 0.01
"""Of a decade: reports round to six digits."""


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
        beyond, reason = _moved(upper=_Side(base, low, high, "BASE"), lower=_Side(new, new_low, new_high, "NEW"))
        return Decision(verdict="lower", reason=reason, regression=beyond)
    beyond, reason = _moved(upper=_Side(new, new_low, new_high, "NEW"), lower=_Side(base, low, high, "BASE"))
    return Decision(verdict="higher", reason=reason, improvement=beyond)


class _Side(NamedTuple):
    """A sweep, the largest lr that trains in it, the smallest that fails, and its name."""

    sweep: Sweep
    trains: float
    fails: float
    name: str


def _moved(*, upper: _Side, lower: _Side) -> tuple[bool, str]:
    """Say whether one edge lies below the other by more than chance moves it, and why."""
    told = f"{lr_text(lower.fails)} fails in {lower.name}, and {lr_text(upper.trains)} trains in {upper.name}"
    decades = _decades(upper, lower)
    if decades >= DECADES_BEYOND_NOISE - ROUNDING:
        return True, f"{told}, a decade or more apart"
    failing = [trial.feasible for trial in lower.sweep.between(lower.fails, upper.trains)]
    training = [trial.feasible for trial in upper.sweep.between(lower.fails, upper.trains)]
    if not (training and not all(failing)):
        moved = decades >= DECADES_UNSEEN - ROUNDING
        return moved, f"{told}, {10**decades:.2g}x apart; the trials behind it are not shown"
    if any(failing) or not all(training):
        return False, f"{told}, but not on all seeds"
    if min(len(failing), len(training)) >= TRIALS_BEYOND_NOISE:
        return True, f"{told}: {len(failing)} of {len(failing)} trials fail there against none of {len(training)}"
    return False, f"{told}: {10**decades:.2g}x apart on so few trials may be chance"


def _decades(upper: _Side, lower: _Side) -> float:
    """Return how far the bracket moved: by the end that moved less."""
    ratios = [math.inf if lower.trains == 0 else upper.trains / lower.trains]
    if math.isfinite(upper.fails) and lower.fails > 0:
        ratios.append(upper.fails / lower.fails)
    finite = [ratio for ratio in ratios if math.isfinite(ratio)]
    return math.log10(min(finite)) if finite else math.log10(upper.trains / lower.fails)


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
