"""What one recognised part of a loss shows on one batch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from trainsense.probes.loss_terms.limits import Bound
from trainsense.records.evidence.loss_terms import LossKind
from trainsense.records.location import Location


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Figures of one term on one batch; means over `count` predictions.

    Attributes:
        kind: what it is.
        parameter: the parameter whose layer gives the predictions.
        location: where the loss is called; file and line as far as they were noted.
        by_design: whether the scale of the scores is chosen: their layer's weight is normalised.
        count: number of predictions.
        value: mean loss, recomputed: without the user's reduction and weights.
        classes: width for classes, else None.
        bound: of the predictions.
        bound_location: where what bounds them is called.
        missed: mean squared distance of targets to the bounds.
        floor: lowest loss within the bounds above that without them; None without bounds.
        highest: highest score of each class, where a ReLU gives the scores.
        probabilities: what the scores are, if probabilities.
        unnormalised: whether log-probabilities are none.
        outside: share of binary targets outside [0, 1].
        targets: sum and sum of squares of targets over the batch, per element of an example; None for classes.
        rows: number of examples behind `targets`.
        target_low: smallest target.
        target_high: largest target.
        labels: class labels in the shape in which they go in, on the host; None for other targets.
        ignored: the label that stands for none.
    """

    kind: LossKind
    parameter: str
    location: Location
    count: int
    value: float
    classes: int | None = None
    bound: Bound | None = None
    bound_location: Location | None = None
    missed: float | None = None
    floor: float | None = None
    highest: Tensor | None = None
    probabilities: Literal["", "softmax", "sigmoid"] = ""
    unnormalised: bool = False
    by_design: bool = False
    outside: float | None = None
    targets: tuple[Tensor, Tensor] | None = None
    rows: int = 0
    target_low: float = math.inf
    target_high: float = -math.inf
    labels: Tensor | None = None
    ignored: int | None = None


def column_figures(found: Sequence[Reading]) -> tuple[float, float]:
    """Return the targets' variance around their means, and their mean square.

    Means are those of each element of an example where all batches have examples of one shape, else of all elements.
    """
    sums = [one.targets for one in found if one.targets is not None]
    rows = sum(one.rows for one in found if one.targets is not None)
    if len({one.shape for one, _ in sums}) == 1 and rows > 2:
        total = torch.stack([one for one, _ in sums]).sum(dim=0)
        squares = torch.stack([two for _, two in sums]).sum(dim=0)
        count = float(rows)
    else:
        total = torch.stack([one.sum() for one, _ in sums]).sum()
        squares = torch.stack([two.sum() for _, two in sums]).sum()
        count = float(sum(one.count for one in found))
    square = squares / count
    variance = (square - (total / count).square()).clamp_min(0.0)
    noise = 1e-12 * square  # what rounding leaves where targets do not vary
    variance = torch.where(variance <= noise, torch.zeros_like(variance), variance)
    return float(variance.mean()), float(square.mean())
