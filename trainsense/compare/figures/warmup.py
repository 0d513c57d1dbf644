"""The shortest warmup that works, known between the longest that fails and itself."""

import math
from collections.abc import Mapping
from typing import Any, Final

from trainsense.compare.figures.kind import (
    Decision,
    Kind,
    direction,
    not_comparable,
    overlap,
    same,
    value_of,
    without_value,
)
from trainsense.compare.figures.stage import entries, finite, positive
from trainsense.compare.figures.sweep import SAME_LR
from trainsense.measure.grid import GRID_STEP
from trainsense.records.report import Report
from trainsense.records.report_comparison import ComparedFigure, Reading
from trainsense.reporters.numbers import lr_text

KIND: Final = Kind(name="warmup_steps", title="warmup steps", interval="longest that fails, shortest that works")


def compare_warmup(base: Report, new: Report) -> ComparedFigure:
    """Return what became of the shortest warmup that makes a failing learning rate train."""
    lrs = [None if stage is None else positive(stage, "lr") for stage in (_stage(base), _stage(new))]
    return KIND.compared(_reading(base), _reading(new), lambda before, after: _decision(before, after, lrs[0], lrs[1]))


def _decision(base: Reading, new: Reading, lr: float | None, new_lr: float | None) -> Decision:
    if missing := without_value(base, new):
        return missing
    if lr is None or new_lr is None or max(lr, new_lr) > GRID_STEP * (1 + SAME_LR) * min(lr, new_lr):
        return not_comparable(f"found at different learning rates: {lr_text(lr)} in BASE, {lr_text(new_lr)} in NEW")
    if base.value == new.value:
        return same("the same length")
    if unknown := [side for side, reading in (("BASE", base), ("NEW", new)) if reading.low is None]:
        return not_comparable(f"{' and '.join(unknown)} does not say which lengths fail")
    # (fails, works]: a length that fails in one is no overlap with the same length working in the other
    touching = value_of(base) == new.low or value_of(new) == base.low
    if overlap(base, new) and not touching:
        return same("the brackets between the lengths that fail and that work overlap")
    return Decision(
        verdict=direction(base, new), reason="the brackets between the lengths that fail and that work are apart"
    )


def _stage(report: Report) -> Mapping[str, Any] | None:
    return report.stages.get("sweep_warmup")


def _reading(report: Report) -> Reading | None:
    stage = _stage(report)
    if stage is None:
        return None
    steps, lr = finite(stage, "warmup_steps"), positive(stage, "lr")
    if steps is None:
        return Reading(value=None, note="no length tried makes a failing lr train")
    if lr is None:
        return Reading(value=steps)
    trials = [
        trial for trial in entries(stage, "trials") if math.isclose(finite(trial, "lr") or 0, lr, rel_tol=SAME_LR)
    ]
    failed = {length for trial in trials if trial.get("feasible") is not True and (length := _length(trial)) < steps}
    low = max(failed, default=0.0) if trials else None
    return Reading(value=steps, low=low, high=None if low is None else steps, note=f"at lr {lr_text(lr)}")


def _length(trial: Mapping[str, Any]) -> float:
    length = finite(trial, "warmup_steps")
    return math.inf if length is None else length
