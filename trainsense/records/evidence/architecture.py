"""Evidence on how a model is put together: residual sums, the plain stack of layers, batch normalisation."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from trainsense.records.location import Location

Placement = Literal["post-norm", "pre-norm", "neither"]


@dataclass(frozen=True, kw_only=True)
class ResidualSum:
    """One residual connection, `stream + branch(stream)`.

    Attributes:
        location: the module that makes the sum, and the line where it does.
        branch_end: path of the last layer of the branch, empty if it holds none.
        placement: `post-norm`: the normalised sum is the next stream; `pre-norm`: the branch begins with a norm.
        normalised: whether a norm lies in the branch or is all that reads the sum.
        contribution: root mean square of what the branch adds over that of the stream, at initialisation; None where the
            two could not be seen.
    """

    location: Location
    branch_end: str
    placement: Placement
    normalised: bool
    contribution: float | None

    @property
    def growth(self) -> float:
        """By how much the sum is larger than the stream, the two taken as independent; 1 where that is unknown.

        >>> ResidualSum(
        ...     location=Location(), branch_end="", placement="neither", normalised=False, contribution=1.0
        ... ).growth.__round__(4)
        1.4142
        """
        return 1.0 if self.contribution is None else math.hypot(1.0, self.contribution)


@dataclass(frozen=True, kw_only=True)
class PlainStack:
    """The way from the input to the output that passes the fewest layers: all that no residual connection leads around.

    Attributes:
        layers: paths of the linear and convolutional layers on it, in order, each weight once.
        norms: number of normalisation layers on it.
        first_varying, last_varying: share of the second moment of what the second and the last layer read that differs
            from example to example, 0 to 1; None where it could not be seen.
        first_dimensions, last_dimensions: effective number of directions in which the same differ (participation
            ratio of the covariance's eigenvalues); None with fewer than 8 examples, or where it could not be seen.
        gradient_ratio: root mean square of the gradient with respect to what the second layer reads over that of what
            the last one reads; None where it could not be seen.
    """

    layers: tuple[str, ...]
    norms: int
    first_varying: float | None = None
    last_varying: float | None = None
    first_dimensions: float | None = None
    last_dimensions: float | None = None
    gradient_ratio: float | None = None

    @property
    def depth(self) -> int:
        """Number of layers on it."""
        return len(self.layers)


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """How a model is put together, as its first loss shows it, at initialisation.

    Attributes:
        sums: residual sums, in the order in which they are made.
        stack: the plain stack of layers, None where no layer was seen.
        warmup_steps: length of the warmup in the user's own schedule, 0 without one.
    """

    sums: tuple[ResidualSum, ...]
    stack: PlainStack | None
    warmup_steps: int

    def placed(self, placement: Placement) -> tuple[ResidualSum, ...]:
        """Return the residual sums with norms placed so."""
        return tuple(one for one in self.sums if one.placement == placement)

    def unnormalised(self) -> tuple[ResidualSum, ...]:
        """Return the longest row of residual sums without a norm in branch or stream."""
        longest: tuple[ResidualSum, ...] = ()
        row: tuple[ResidualSum, ...] = ()
        for one in self.sums:
            row = () if one.normalised else (*row, one)
            longest = max(longest, row, key=len)
        return longest


def total_growth(sums: Iterable[ResidualSum]) -> float:
    """Return by how much a row of residual sums makes the stream larger."""
    return math.prod(one.growth for one in sums)


@dataclass(frozen=True, kw_only=True)
class NormBatch:
    """What one batch normalisation layer draws its statistics from, in training mode.

    Attributes:
        module: its path.
        examples: independent examples it sees at once.
        values: numbers per channel it sees at once: examples times positions.
    """

    module: str
    examples: int
    values: int


@dataclass(frozen=True, kw_only=True)
class BatchNorms:
    """The batch normalisation layers that normalise by the statistics of the batch.

    Attributes:
        layers: them, in the order in which they are called, with the fewest examples that they were seen with.
    """

    layers: tuple[NormBatch, ...]
