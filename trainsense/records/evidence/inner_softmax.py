"""Evidence of normalised activations between layers: what a layer reads are probabilities."""

from dataclasses import dataclass
from typing import Literal

from trainsense.records.location import Location

Normalised = Literal["softmax", "log-softmax", "batch-softmax"]
"""Non-negative and summing to 1 over the features; the logarithm of that; a softmax across the examples of a batch."""


@dataclass(frozen=True, kw_only=True)
class NormalisedInput:
    """One layer that reads normalised activations.

    Attributes:
        location: the layer that reads them.
        kind: how they are normalised.
        features: number of features that share the sum; for a batch softmax the number of examples.
        largest: mean over rows of the largest value, between 1 / features and 1; None for a batch softmax.
        only_way: whether all that the layers before it compute reaches the loss through it.
        sampled: whether the values change from draw to draw: a sample of categories, as in a Gumbel softmax.
        lookup: whether the layer is a table that the values weigh, without a bias: attention over a learned memory.
    """

    location: Location
    kind: Normalised
    features: int
    largest: float | None
    only_way: bool
    sampled: bool
    lookup: bool


@dataclass(frozen=True, kw_only=True)
class InnerSoftmax:
    """What layers that come after others read.

    Attributes:
        layers_seen: number of layers whose input could be looked at.
        batches: number of batches.
        normalised: those that read normalised activations on every batch.
    """

    layers_seen: int
    batches: int
    normalised: tuple[NormalisedInput, ...]
