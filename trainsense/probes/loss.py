"""The mean loss over a set of batches."""

import math
from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor

from trainsense.batches import example_count


def mean_loss(loss: Callable[[Any], Tensor], batches: Iterable[Any]) -> float:
    """Return the mean of `loss(batch)` over `batches`, each weighted by its number of examples; NaN without batches.

    Args:
        loss: scalar mean loss of one batch; the caller sets the model's mode.
        batches: at least one.
    """
    total = weight = 0.0
    for batch in batches:
        examples = example_count(batch)
        total += float(loss(batch).detach()) * examples
        weight += examples
    return total / weight if weight else math.nan
