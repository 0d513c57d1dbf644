"""Whether a trial can still reach what the best one has reached (racing, PROTOCOL 6.5).

The protocol keeps the better half of the trials at each look; a rank among few trials says nothing of how far behind one is, nor of a
slow start. Here every trial is given the benefit of a straight line instead: loss curves mostly flatten, so one that misses its mark
even if it went on falling as steeply as it lately did will miss it (tests/benchmarks/racing holds that against full grids).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

FIRST_LOOK: Final = 0.2
"""Share of the run before which nothing is dropped (PROTOCOL 6.5: a tenth; on a tenth there are two probes) …"""
LAST_LOOK: Final = 0.8
"""… and after which nothing is, since little is saved any more."""
WINDOWS: Final = (0.5, 0.25)
"""The recent past, as shares of the steps so far: the steeper fall of the two counts."""

Series = NDArray[np.float64]


def out_of_reach(steps: Sequence[int], losses: Sequence[float], *, horizon: int, must_reach: float) -> bool:
    """Return whether a falling loss cannot get down to `must_reach` by the end of the run.

    It could at the steepest mean fall over the recent past, from the lower of its last two values.

    Args:
        steps: at which the probe loss was evaluated, ascending, from 0 on, shape `(looks,)`.
        losses: the probe losses there, finite, shape `(looks,)`.
        horizon: steps of the whole run.
        must_reach: loss.

    >>> out_of_reach([0, 10, 20, 30], [2.0, 1.9, 1.8, 1.7], horizon=100, must_reach=0.9)
    True
    >>> out_of_reach([0, 10, 20, 30], [2.0, 1.9, 1.8, 1.7], horizon=100, must_reach=1.1)
    False
    """
    at, loss = np.asarray(steps, dtype=float), np.asarray(losses, dtype=float)
    if len(at) < 3 or not FIRST_LOOK * horizon <= at[-1] <= LAST_LOOK * horizon:
        return False
    now = float(loss[-2:].min())
    fall = 0.0
    for window in WINDOWS:
        start = int(np.argmin(np.abs(at[:-1] - (1 - window) * at[-1])))
        fall = max(fall, (float(loss[start]) - now) / (at[-1] - at[start]))
    return bool(now - fall * (horizon - at[-1]) > must_reach)
