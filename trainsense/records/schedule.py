"""Learning-rate schedules by name: pure functions from a step to a factor on the learning rate."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

RANGE_TEST_SPAN: Final = 1e9
"""An exponential range test multiplies its first learning rate by this much over the run (PROTOCOL 2.1)."""


def constant(step: int, steps: int) -> float:  # noqa: ARG001 - all schedules share one signature
    """Return 1 at every step.

    >>> constant(7, 10)
    1.0
    """
    return 1.0


def linear(step: int, steps: int) -> float:
    """Fall linearly from 1 at step 0 to 0 after the last step.

    >>> [linear(step, 4) for step in range(4)]
    [1.0, 0.75, 0.5, 0.25]
    """
    return max(0.0, 1.0 - step / steps)


def cosine(step: int, steps: int) -> float:
    """Fall along half a cosine from 1 at step 0 to 0 after the last step (Loshchilov and Hutter, 2017).

    >>> round(cosine(5, 10), 12)
    0.5
    """
    return 0.5 * (1.0 + math.cos(math.pi * min(step, steps) / steps))


def inverse_sqrt(step: int, steps: int) -> float:  # noqa: ARG001 - all schedules share one signature
    """Fall as one over the square root of the step, 1 at step 0.

    >>> inverse_sqrt(3, 10)
    0.5
    """
    return 1.0 / math.sqrt(step + 1)


def range_test(step: int, steps: int) -> float:
    """Rise exponentially from 1 to `RANGE_TEST_SPAN` over the run (Smith, 2017).

    >>> range_test(0, 100), range_test(99, 100) == RANGE_TEST_SPAN
    (1.0, True)
    """
    return float(RANGE_TEST_SPAN ** (step / max(1, steps - 1)))


SCHEDULES: Final[Mapping[str, Callable[[int, int], float]]] = MappingProxyType(
    {"constant": constant, "linear": linear, "cosine": cosine, "inverse-sqrt": inverse_sqrt},
)
"""The names a workload's `schedule` may carry."""


def warmup_factor(step: int, warmup_steps: int) -> float:
    """Linear warmup from 0: the factor at `step` (0-based), 1 once `warmup_steps` have passed.

    The first factor is one step's worth, not 0: an update with learning rate 0 would be a wasted step.

    >>> [warmup_factor(step, 4) for step in range(6)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    """
    return 1.0 if step >= warmup_steps else (step + 1) / warmup_steps
