"""`Trace`: what was measured step by step, one array per quantity, one row per optimizer step."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Arrays of shape `(steps run,)`, float64; NaN where a quantity was not measured at that step.

    Attributes:
        lr: learning rate of the first parameter group in units of the trial's `lr` argument, i.e. `lr * factor`.
        loss: mean training loss of the step's batch before the update, never scaled.
        grad_norm: L2 norm of the full gradient over all parameters, before clipping.
        clipped: 1 where the gradient was rescaled by clipping, else 0.
        update_norm: L2 norm of the change of all parameters, at every tenth step and at the last planned one.
        update_ratio: `update_norm` over the L2 norm of all parameters before the update.
        probe_loss: loss on the fixed probe batches before the update (PROTOCOL 0).
        eval_loss: mean loss on the eval data in evaluation mode before the update.
        attention_logit: largest absolute attention logit in the probe's forward pass before the update.
    """

    lr: Series
    loss: Series
    grad_norm: Series
    clipped: Series
    update_norm: Series
    update_ratio: Series
    probe_loss: Series
    eval_loss: Series
    attention_logit: Series

    def __len__(self) -> int:
        """Return the number of steps that were run."""
        return len(self.loss)


COLUMNS = tuple(field.name for field in fields(Trace))
"""The quantities of a trace, in the order in which tables show them."""


def empty_trace() -> Trace:
    """Return a trace of no steps.

    >>> len(empty_trace())
    0
    """
    return Trace(**{name: np.empty(0) for name in COLUMNS})
