"""Evidence of outputs that cannot differ from example to example, whatever the parameters."""

from dataclasses import dataclass
from typing import Literal

from trainsense.records.location import Location

Flattening = Literal[
    "softmax-over-one",
    "cross-entropy-over-one",
    "normalised-over-one",
    "step-function",
    "clamped",
]
"""A softmax over an axis of one; the same within a cross-entropy; a norm over one value; sign, round and the like, whose
gradient is zero; a clamp that all values lie beyond."""


@dataclass(frozen=True, kw_only=True)
class FlatOperation:
    """One operation that lets nothing of its input through.

    Attributes:
        location: where it runs.
        flattening: what it does.
        kind: autograd's name of it, such as "Softmax".
        shape: shape of its result.
    """

    location: Location
    flattening: Flattening
    kind: str
    shape: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class ConstantOutput:
    """What the loss sees of the batch.

    Attributes:
        operations: operations that let nothing through, in order.
        blocked: whether the loss depends on the batch through such operations alone, so that nothing before them learns.
        gradient_norm: L2 norm of the gradient over all parameters of the fresh model, the largest over batches.
        output_spread: standard deviation of the outputs across examples over their root mean square, the largest over batches
            and over the model fresh and after its warm start; None where the outermost call was not seen.
        inputs_differ: whether the examples of a batch differ.
        batches: number of batches looked at.
    """

    operations: tuple[FlatOperation, ...]
    blocked: bool
    gradient_norm: float
    output_spread: float | None
    inputs_differ: bool
    batches: int
