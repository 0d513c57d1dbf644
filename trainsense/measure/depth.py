"""How a figure changes with depth: by how much from the first layer to the last, and how steadily."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Fall:
    """How a positive figure differs between the first layer and the last.

    Attributes:
        ratio: first over last.
        without_largest: the same without the one step between neighbours that contributes most.
        order: rank correlation of the figure with depth, -1 to 1 (Spearman): 1 where it grows at every step.
        per_layer: factor from one layer to the next, fitted on a log scale.
    """

    ratio: float
    without_largest: float
    order: float
    per_layer: float


def along_depth(values: Sequence[float]) -> Fall:
    """Return how `values` change from the first to the last.

    Args:
        values: positive and finite, at least two, in the order of depth.

    >>> round(along_depth([1e-4, 1e-3, 1e-2, 1e-1]).ratio, 6)
    0.001
    >>> round(along_depth([1e-4, 1e-3, 1e-2, 1e-1]).per_layer, 6)
    10.0
    """
    logs = np.log(np.asarray(values, dtype=np.float64))
    steps = np.diff(logs)
    total = logs[-1] - logs[0]
    largest = steps[np.argmax(steps * np.sign(total))]
    positions = np.arange(len(logs))
    ranks = np.argsort(np.argsort(logs))
    slope = np.polyfit(positions, logs, 1)[0]
    with np.errstate(over="ignore"):
        return Fall(
            ratio=float(np.exp(-total)),
            without_largest=float(np.exp(-(total - largest))),
            order=float(np.corrcoef(positions, ranks)[0, 1]),
            per_layer=float(np.exp(slope)),
        )
