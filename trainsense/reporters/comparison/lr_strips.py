"""Both learning-rate axes, one below the other, at the same learning rates."""

import math
from dataclasses import dataclass
from typing import Final

from trainsense.records.report_comparison import ReportComparison
from trainsense.reporters.numbers import lr_text
from trainsense.reporters.sections.lr_strip import legend_of, marks_by_lr

SAME_LR: Final = 1e-3
"""Relative difference up to which two learning rates share a column: reports round to six digits."""
NOT_TRIED: Final = " "
LABEL: Final = 6


@dataclass(frozen=True, kw_only=True)
class LrStrips:
    """Two axes of characters.

    Args:
        lines: the ends of the axis, then BASE, then NEW.
        legend: what the characters mean.
    """

    lines: tuple[str, ...]
    legend: str


def lr_strips(comparison: ReportComparison) -> LrStrips | None:
    """Return the axes; None where neither report has a sweep."""
    sides = [marks_by_lr(side.report) for side in (comparison.base, comparison.new)]
    columns: list[float] = []
    for lr in sorted({lr for marks in sides for lr in marks}):
        if not columns or not math.isclose(lr, columns[-1], rel_tol=SAME_LR):
            columns.append(lr)
    if not columns:
        return None
    low, high = lr_text(columns[0]), lr_text(columns[-1])
    lines = []
    for name, marks in zip(("BASE", "NEW"), sides, strict=True):
        axis = "".join(
            next((mark for lr, mark in marks.items() if math.isclose(lr, column, rel_tol=SAME_LR)), NOT_TRIED)
            for column in columns
        )
        told = f"{low} {axis} {high}" if marks else "no sweep"
        lines.append(f"{name:<{LABEL}}{told}")
    return LrStrips(lines=tuple(lines), legend=legend_of("".join(mark for marks in sides for mark in marks.values())))
