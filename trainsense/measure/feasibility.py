"""Which trials are infeasible, and why (PROTOCOL 2.3)."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from trainsense.measure.robust import robust_deviation
from trainsense.records.evidence.sweep import Drop
from trainsense.records.outcome import Crashed, Diverged
from trainsense.records.run import Run

HALF_OF_DROP: Final = 0.5
"""Above the best lr, less than this share of D achieved is infeasible (PROTOCOL 2.3)."""
OUTLYING_DEVIATIONS: Final = 6.0
"""Above the best lr, a score this many robust deviations above the feasible ones is infeasible (PROTOCOL 2.3) …"""
OUTLYING_SHARE: Final = 0.25
"""… and by this share of D: among scores that all agree, six deviations are nothing."""
COLLAPSED_GAP: Final = 0.01
"""A shuffle gap below this share of the gap at lr* is a trivial predictor (PROTOCOL 0)."""
NO_GAP: Final = 1e-3
"""Without a reference: a shuffle gap below this share of the loss is none (stuck nets show 1e-4 and less) …"""
NO_SPREAD: Final = 0.02
"""… if the outputs also vary by less than this across examples."""
VARIED_SPREAD: Final = 0.05
"""Outputs that vary by more than this across examples depend on the inputs, whatever permuting them says."""
COLLAPSED_SPREAD: Final = 0.01
"""Where permuting inputs means nothing, an output spread below this share of the spread at lr* is one."""


def ignores_inputs(run: Run) -> bool:
    """Return whether a run ended with a model on which its inputs have no effect, by itself, without a reference.

    Neither permuting the inputs changes the loss nor do the outputs vary across examples.
    """
    if run.shuffle_gap is None or run.output_spread is None or run.score is None:
        return False
    return abs(run.shuffle_gap) < NO_GAP * abs(run.score) and run.output_spread < NO_SPREAD


def collapsed(run: Run, reference_gap: float | None, reference_spread: float | None) -> bool:
    """Return whether a run ended as a trivial predictor: its loss no longer depends on its inputs (PROTOCOL 0).

    Args:
        run: a completed run.
        reference_gap: shuffle gap at lr*, loss units; None where permuting inputs means nothing.
        reference_spread: output spread at lr*; used where there is no gap.
    """
    if reference_gap is not None and run.shuffle_gap is not None:
        return run.shuffle_gap < COLLAPSED_GAP * reference_gap
    if reference_spread is not None and run.output_spread is not None:
        return run.output_spread < COLLAPSED_SPREAD * reference_spread
    return False


def failure_reason(run: Run) -> str | None:
    """Return the reason code of a run that did not reach its end with a finite score, None if it did."""
    if isinstance(run.outcome, (Diverged, Crashed)):
        return run.outcome.reason
    if run.score is not None and not math.isfinite(run.score):
        return "non-finite-loss"
    return None


def infeasible_reason(
    run: Run,
    drop: Drop,
    *,
    above_best: bool,
    reference_gap: float | None,
    reference_spread: float | None,
    feasible_scores: Sequence[float] = (),
) -> str | None:
    """Return why a sweep trial is infeasible, None if it is feasible; at lrs below the best, slow is not infeasible.

    Args:
        run: a run of the sweep that was not skipped.
        drop: D.
        above_best: whether its lr is above the best.
        reference_gap: see `collapsed`.
        reference_spread: see `collapsed`.
        feasible_scores: mean scores of the learning rates up to the best and beyond that are feasible.
    """
    reason = failure_reason(run)
    if reason is not None or not above_best or run.score is None or not drop.assessable:
        return reason
    if collapsed(run, reference_gap, reference_spread):
        return "input-collapse"
    if run.score > drop.ceiling - HALF_OF_DROP * drop.value:
        return "below-half-drop"
    if len(feasible_scores) >= 3:
        middle = float(np.median(feasible_scores))
        limit = max(OUTLYING_DEVIATIONS * robust_deviation(feasible_scores), OUTLYING_SHARE * drop.value)
        if run.score > middle + limit:
            return "uncharacteristic-loss"
    return None


def effective_score(run: Run, reason: str | None, ceiling: float) -> float:
    """Return the score with a run that achieved nothing counted as that (PROTOCOL 6.4).

    That is an infeasible one, and one that ended above what knowing nothing of the inputs gives: how far above says how
    large its initial weights were, and its spread over seeds would drown every comparison.
    """
    if reason is not None or run.score is None or not math.isfinite(run.score):
        return ceiling
    return min(run.score, ceiling)
