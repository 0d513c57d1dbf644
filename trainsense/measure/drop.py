"""The loss drop D, the unit of every effect, and the loss of a predictor that knows nothing of its inputs (PROTOCOL 0)."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from trainsense.measure.feasibility import VARIED_SPREAD, ignores_inputs
from trainsense.measure.robust import standard_error
from trainsense.records.evidence.sweep import Drop
from trainsense.records.run import Run

NEGLIGIBLE_SHARE: Final = 0.02
"""A shuffle gap below this share of what the run gained on its initial loss is none, where the loss draws noise of its own."""
UNMOVED_GAP: Final = 1e-5
"""So is one below this share of the loss: inputs and targets were permuted together."""
HUGE_FALL: Final = 20.0
"""An initial loss is huge where the fall from it is so many times what a constant output would still gain: 2,500 times for a
digit classifier on unscaled inputs; a loss that is made to be small at zero outputs stays below."""


def references(run: Run) -> tuple[float | None, float | None]:
    """Return `(shuffle gap, output spread)` of a run at lr* as references; the gap is None where it means nothing."""
    gap, spread = run.shuffle_gap, run.output_spread
    if gap is not None and run.score is not None:
        moved_together = not _moved(run, abs(gap)) and spread is not None and spread > VARIED_SPREAD
        gap = None if moved_together or not math.isfinite(gap) else gap
    return gap, spread


def drop_at(runs: Sequence[Run], trivial: float | None) -> Drop:
    """Return D from the completed runs at one lr, and the loss of a trivial predictor (PROTOCOL 0).

    Where most of the runs do no better than a constant, the constant is the ceiling all the same, and D is zero or less:
    coming down from a huge initial loss is no achievement.
    """
    scores = [run.score for run in runs if run.score is not None]
    initial = float(np.mean([run.initial_loss for run in runs if run.initial_loss is not None]))
    best = float(np.mean(scores))
    within = float(np.mean([run.score_error or 0.0 for run in runs if run.score is not None]))
    constant = _constant_loss(runs)
    known = None if trivial is None else max(trivial, best)
    return Drop(
        initial=initial,
        trivial=known if constant is None else constant,
        best=best,
        standard_error=standard_error(scores) if len(scores) > 2 else within,
    )


def _constant_loss(runs: Sequence[Run]) -> float | None:
    """Return the mean loss under a constant output, where one does as well as most of the runs; else None."""
    losses = [loss for run in runs if (loss := _as_good_a_constant(run)) is not None]
    return float(np.mean(losses)) if 2 * len(losses) > len(runs) else None


def _as_good_a_constant(run: Run) -> float | None:
    """Return the loss of a constant that is as good as the trained model; None where it has learnt more than that.

    It has not where it comes down from a huge initial loss and a constant is better still, or where neither averaging its
    outputs nor permuting its inputs raises the loss. A gap of zero says nothing: there the loss is not made of the outputs.
    """
    score, lowest_gap, mean_gap = run.score, run.constant_gap, run.mean_output_gap
    if score is None or lowest_gap is None or abs(lowest_gap) <= UNMOVED_GAP * abs(score):
        return None
    noise = 3.0 * (run.score_error or 0.0)
    fallen = (run.initial_loss or score) - score
    if lowest_gap < -noise and fallen > HUGE_FALL * abs(lowest_gap):
        return score + lowest_gap
    unmoved = run.shuffle_gap is not None and run.shuffle_gap < noise
    return score + mean_gap if unmoved and mean_gap is not None and mean_gap < noise else None


def trivial_loss(runs: Sequence[Run]) -> float | None:
    """Return the lowest loss that a trained model reached with its inputs permuted, or with a constant output.

    Each of them is the loss of a predictor that knows nothing of its inputs, so the lowest is the closest to the best
    constant prediction. The best model's own with permuted inputs (PROTOCOL 0) lies far above: it is confident, and wrong.
    None where neither was measured.
    """
    losses: list[float] = []
    for run in runs:
        if run.score is None:
            continue
        if ignores_inputs(run):
            losses.append(run.score)
        losses += [
            run.score + gap for gap in (run.shuffle_gap, run.constant_gap) if gap is not None and _moved(run, gap)
        ]
    return min((loss for loss in losses if math.isfinite(loss)), default=None)


def _moved(run: Run, gap: float) -> bool:
    """Whether a gap is more than rounding, and more than noise in the loss beside what training gained."""
    score, initial = run.score or 0.0, run.initial_loss or 0.0
    return gap > max(UNMOVED_GAP * (abs(score) + abs(initial)), NEGLIGIBLE_SHARE * (initial - score))
