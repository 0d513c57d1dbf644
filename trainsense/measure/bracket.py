"""Where to look for the best learning rate: reads an exponential range test (PROTOCOL 2.1)."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SMOOTHING: Final = 0.7
"""Weight of the past in the running mean of the loss."""
UNDONE_SHARE: Final = 0.5
"""The test has diverged where this share of what it had gained is lost again."""
LEARNT_DEVIATIONS: Final = 2.0
"""A change of the running mean by less than this many deviations of the batch noise is none: over a hundred steps the running
mean of pure noise wanders that far."""
BLOWN_UP_DEVIATIONS: Final = 6.0
"""Where nothing was learnt, a rise by so many deviations of the batch noise ends the bracket."""
ROUNDING: Final = 1e-7
"""So is a gain below this share of the loss: single precision."""
BLIND_TOP_LR: Final = 1.0
"""Where the range test shows nothing, the grid ends two points above this."""
IMPROVED_DECADES: Final = 2.0
"""Where nothing diverges, the bracket ends this many decades above the lr that gained the most (PROTOCOL 2.1)."""

Series = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Bracket:
    """What a range test says.

    Attributes:
        divergence_lr: lr at which training came undone, or two decades above the last improvement.
        gain: loss gained before that, the bracket's estimate of D; 0 if nothing was gained.
        start: mean of the first losses.
        learnt: whether `gain` is more than the noise of the batches; if not, `divergence_lr` says little.
    """

    divergence_lr: float
    gain: float
    start: float
    learnt: bool = True


def smoothed(loss: Series) -> Series:
    """Return the bias-corrected exponential running mean of `loss`, same shape.

    >>> smoothed(np.array([2.0, 2.0, 2.0])).round(12).tolist()
    [2.0, 2.0, 2.0]
    """
    result = np.empty_like(loss)
    average = 0.0
    for step, value in enumerate(loss):
        average = SMOOTHING * average + (1 - SMOOTHING) * value
        result[step] = average / (1 - SMOOTHING ** (step + 1))
    return result


def read_bracket(lr: Series, loss: Series) -> Bracket | None:
    """Read a range test; None if it failed within its first five steps, at learning rates that cannot matter.

    Args:
        lr: ascending learning rates, shape `(steps,)`.
        loss: training losses at them, the last of which may be infinite.
    """
    finite = np.isfinite(loss) & np.isfinite(lr)
    length = int(np.argmin(finite)) if not finite.all() else loss.size
    if length < 5:
        return None
    curve = smoothed(loss[:length])
    head = loss[: max(5, length // 10)]
    start = float(np.mean(head))
    best = int(np.argmin(curve))
    gain = start - float(curve[best])
    noise = _batch_noise(loss[:length])
    if gain <= max(LEARNT_DEVIATIONS * noise, ROUNDING * abs(start)):
        level = start + max(abs(start), BLOWN_UP_DEVIATIONS * noise)
        top = lr[length - 1] if length < lr.size else _first_above(curve, lr, level) or BLIND_TOP_LR
        return Bracket(divergence_lr=float(top), gain=max(gain, 0.0), start=start, learnt=False)
    undone = np.flatnonzero(curve[best:] > curve[best] + max(UNDONE_SHARE * gain, LEARNT_DEVIATIONS * noise))
    if undone.size:
        top = lr[best + int(undone[0])]
    elif length < lr.size:
        top = lr[length - 1]
    else:
        top = min(lr[-1], lr[best] * 10**IMPROVED_DECADES)
    return Bracket(divergence_lr=float(top), gain=gain, start=start)


def _batch_noise(loss: Series) -> float:
    """Return the deviation of the loss from batch to batch, from the first third, where learning rates are tiny."""
    changes = np.diff(loss[: max(5, loss.size // 3)])
    return float(np.std(changes) / np.sqrt(2.0))


def _first_above(curve: Series, lr: Series, level: float) -> float | None:
    found = np.flatnonzero(curve > level)
    return float(lr[found[0]]) if found.size else None
