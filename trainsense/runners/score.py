"""The score S of a trial, and the steps at which it is measured (PROTOCOL 0)."""

from typing import Final

import numpy as np

from trainsense.measure.robust import standard_error
from trainsense.records.trace import Trace
from trainsense.records.trial import Trial

LAST_EVALUATIONS: Final = 3
"""Evaluations of eval data that the score averages: two shortly before the end and one at it."""
EVALUATION_SPACING: Final = 0.05
"""Their spacing as a share of the run."""
TAIL_SHARE: Final = 0.1
"""Without eval data: the last share of steps whose training loss is averaged …"""
FEWEST_TAIL_STEPS: Final = 20
"""… at least so many (half of a run shorter than twice that)."""
ATTENTION_LOOKS: Final = 20
"""Looks at the attention logits over a run: every 5 % of it."""


def evaluation_steps(trial: Trial) -> frozenset[int]:
    """Return the steps before which eval data is evaluated; the last evaluation follows the last step.

    >>> sorted(evaluation_steps(Trial(lr=0.1, seed=0, steps=100)))
    [90, 95]
    >>> sorted(evaluation_steps(Trial(lr=0.1, seed=0, steps=100, eval_every=50)))
    [50, 90, 95]
    """
    more = range(trial.eval_every, trial.steps, trial.eval_every) if trial.eval_every else ()
    return _scored_steps(trial.steps).union(more)


def _scored_steps(steps: int) -> frozenset[int]:
    """Return the steps before which an evaluation counts for the score."""
    spacing = max(1, round(EVALUATION_SPACING * steps))
    return frozenset(step for step in (steps - spacing * back for back in range(1, LAST_EVALUATIONS)) if step > 0)


def attention_steps(trial: Trial) -> frozenset[int]:
    """Return the steps before which attention logits are looked at."""
    return frozenset(range(0, trial.steps, max(1, trial.steps // ATTENTION_LOOKS)))


def score_of(trace: Trace, final_eval_loss: float | None) -> tuple[float, float]:
    """Return the score of a completed run and its standard error within the run.

    >>> from trainsense.records.trace import COLUMNS
    >>> trace = Trace(**{name: np.arange(100.0) for name in COLUMNS})
    >>> score_of(trace, None)[0]
    89.5
    """
    if final_eval_loss is not None:
        before = trace.eval_loss[sorted(_scored_steps(len(trace)))]
        evaluations = [*before[~np.isnan(before)].tolist(), final_eval_loss]
        return float(np.mean(evaluations)), standard_error(evaluations)
    steps = len(trace)
    tail = max(int(TAIL_SHARE * steps), FEWEST_TAIL_STEPS) if steps >= 2 * FEWEST_TAIL_STEPS else max(1, steps // 2)
    last = trace.loss[-tail:]
    return float(np.mean(last)), standard_error(last)
