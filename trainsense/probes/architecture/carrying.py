"""What a plain stack of layers carries, forward and backward: how far examples still differ, how large gradients are."""

from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from trainsense.probes.structure import LiveLoss

FEWEST_EXAMPLES: Final = 8
"""Fewer rows say nothing about the number of directions in which they differ."""
MOST_EXAMPLES: Final = 256
"""Rows that are looked at, evenly spaced."""
MOST_FEATURES: Final = 8192
"""Features that are looked at, evenly spaced."""
_READ: Final = ("mat1", "self", "input", "batch1", "weight")
"""Names by which autograd keeps what a layer reads."""


@dataclass(frozen=True, kw_only=True)
class Carried:
    """What one layer reads.

    Attributes:
        varying: share of its second moment that differs from example to example, 0 to 1.
        dimensions: effective number of directions in which examples differ; None with fewer than 8.
    """

    varying: float
    dimensions: float | None


def carried(live: LiveLoss, index: int) -> Carried | None:
    """Return what the layer at `index` reads, None where autograd does not keep it.

    Effective dimensions are the participation ratio of the covariance's eigenvalues, `(sum l)^2 / sum l^2`, by the trace
    of the Gram matrix of the centred rows and its square.

    Args:
        live: the loss, not yet differentiated.
        index: position of a layer in its graph.
    """
    read = _read(live, index)
    if read is None:
        return None
    rows = read.flatten(1) if read.dim() > 1 else read[:, None]
    rows = rows[:: -(-len(rows) // MOST_EXAMPLES)]
    rows = rows[:, :: -(-rows.shape[1] // MOST_FEATURES)]
    rows = rows.double() if rows.device.type != "mps" else rows.float()
    largest = rows.abs().max()
    if len(rows) < 2 or not bool(torch.isfinite(largest)) or float(largest) == 0.0:
        return None
    rows = rows / largest
    centred = rows - rows.mean(0)
    varying = float(centred.square().sum() / rows.square().sum())
    if len(rows) < FEWEST_EXAMPLES or varying == 0.0:
        return Carried(varying=varying, dimensions=None)
    gram = centred @ centred.T
    gram = gram / gram.diagonal().sum()
    return Carried(varying=varying, dimensions=float(1.0 / gram.square().sum()))


def _read(live: LiveLoss, index: int) -> Tensor | None:
    """Return the data that a layer reads."""
    sources = live.graph.data_inputs(index)
    if len(sources) != 1:
        return None
    shape = live.graph.ops[sources[0]].shape
    kept = (live.saved(index, name) for name in _READ)
    return next((one for one in kept if one is not None and tuple(one.shape) == shape), None)


class GradientSizes:
    """Notes the size of the gradient with respect to the results of operations while a loss is differentiated.

    Args:
        live: the loss, not yet differentiated.
        indices: positions of the operations.
    """

    def __init__(self, live: LiveLoss, indices: tuple[int, ...]) -> None:
        self._seen: dict[int, Tensor] = {}
        for index in indices:
            if sum(live.nodes[index] is node for node in live.nodes) == 1:
                live.nodes[index].register_prehook(self._noting(index))

    def ratio(self, first: int, last: int) -> float | None:
        """Return root mean square of the one over that of the other, None where one was not seen or is zero."""
        if first not in self._seen or last not in self._seen:
            return None
        above, below = float(self._seen[first]), float(self._seen[last])
        return above / below if below > 0 else None

    def _noting(self, index: int) -> Any:
        def note(gradients: tuple[Tensor | None, ...]) -> None:
            if gradients and gradients[0] is not None:
                self._seen[index] = gradients[0].detach().float().square().mean().sqrt()

        return note
