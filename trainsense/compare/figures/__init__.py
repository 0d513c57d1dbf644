"""The figures that two reports are held against each other by."""

import numpy as np

from trainsense.compare.figures.best_lr import compare_best_lr
from trainsense.compare.figures.clip_norm import compare_clip_norm
from trainsense.compare.figures.cost import compare_cost
from trainsense.compare.figures.edge import compare_edge
from trainsense.compare.figures.loss import compare_loss, compare_user_loss
from trainsense.compare.figures.lr_sensitivity import compare_lr_sensitivity
from trainsense.compare.figures.sweep import sweep_of
from trainsense.compare.figures.warmup import compare_warmup
from trainsense.records.report import Report
from trainsense.records.report_comparison import ComparedFigure

__all__ = ["compare_figures"]


def compare_figures(base: Report, new: Report) -> tuple[ComparedFigure, ...]:
    """Return every figure, always in the same order, whether the reports give it or not."""
    before, after = sweep_of(base), sweep_of(new)
    with np.errstate(all="ignore"):  # what overflows is infinite, and said to be
        return (
            compare_best_lr(before, after),
            compare_edge(before, after),
            compare_loss(base, new, before, after),
            compare_user_loss(base, new, before, after),
            compare_lr_sensitivity(before, after),
            compare_clip_norm(base, new),
            compare_warmup(base, new),
            *compare_cost(base, new),
        )
