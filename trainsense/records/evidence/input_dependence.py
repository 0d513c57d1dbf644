"""Evidence of whether the outputs depend on the inputs."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class InputDependence:
    """The model, after its warm start and in evaluation mode, on inputs and on changed inputs.

    Attributes:
        exchanges: number of ways in which the inputs were changed: rows permuted, values mixed, another batch's.
        largest_change: largest change of an output over all of them, over the outputs' largest size.
        input_gradient: largest gradient of a random sum of the outputs with respect to a floating-point input, None
            where there is none, or where it could not be had.
        batches: number of batches looked at.
        unseen: why it could not be measured; empty if it was.
    """

    exchanges: int
    largest_change: float
    input_gradient: float | None
    batches: int
    unseen: str = ""
