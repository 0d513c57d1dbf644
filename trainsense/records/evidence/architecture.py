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
        norm_in_branch: whether a norm lies in the branch.
        norm_behind: whether a norm is all that reads the sum.
        contribution: root mean square of what the branch adds over that of the stream, at initialisation; None where the
            two could not be seen.
        follows: position in `Architecture.sums` of the sum whose result the stream is, None where a stream begins.
    """

    location: Location
    branch_end: str
    placement: Placement
    norm_in_branch: bool
    norm_behind: bool
    contribution: float | None
    follows: int | None = None

    @property
    def growth(self) -> float:
        """By how much the sum is larger than the stream, the two taken as independent; 1 where that is unknown.

        >>> ResidualSum(
        ...     location=Location(),
        ...     branch_end="",
        ...     placement="neither",
        ...     norm_in_branch=False,
        ...     norm_behind=False,
        ...     contribution=0.75,
        ... ).growth
        1.25
        """
        return 1.0 if self.contribution is None else math.hypot(1.0, self.contribution)


@dataclass(frozen=True, kw_only=True)
class PlainStack:
    """The way from the input to the output that passes the fewest layers: all that no residual connection leads around.

    Attributes:
        layers: paths of the linear and convolutional layers on it, in order, each weight once.
        norms: number of normalisation layers on it.
        narrowest: fewest features that any layer but the last gives.
        first_varying, last_varying: share of the second moment of what the second and the last layer read that differs
            from example to example, 0 to 1; None where it could not be seen (the second: of 3 layers and more).
        first_dimensions, last_dimensions: effective number of directions in which the same differ (participation
            ratio of the covariance's eigenvalues); None with fewer than 8 examples, or where it could not be seen.
        gradient_ratio: root mean square of the gradient with respect to what the second layer reads over that of what
            the last one reads; None where it could not be seen.
    """

    layers: tuple[str, ...]
    norms: int
    narrowest: int = 0
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
class NormBatch:
    """What one batch normalisation layer draws its statistics from, in training mode.

    Attributes:
        module: its path.
        examples: independent examples it sees at once.
        values: numbers per channel it sees at once: examples times positions.
        independent: effective number of independent ones among them, between `examples` and `values`: positions of one
            example resemble each other.
    """

    module: str
    examples: int
    values: int
    independent: float


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """How a model is put together, as its first loss shows it, at initialisation.

    Attributes:
        sums: residual sums, in the order in which they are made.
        stack: the plain stack of layers, None where no layer was seen.
        batch_norms: the layers that normalise by the batch's own statistics, in the order of their calls.
        warmup_steps: length of the warmup in the user's own schedule, 0 without one.
        adaptive: whether the user's optimizer adapts its steps to the gradient's scale.
        warmed_varying: the stack's `last_varying` after the warm start; None where it was not looked at.
    """

    sums: tuple[ResidualSum, ...]
    stack: PlainStack | None
    batch_norms: tuple[NormBatch, ...]
    warmup_steps: int
    adaptive: bool = False
    warmed_varying: float | None = None

    def streams(self) -> tuple[tuple[ResidualSum, ...], ...]:
        """Return the residual sums stream by stream, each in order."""
        rows: dict[int, list[ResidualSum]] = {}
        for position, one in enumerate(self.sums):
            row = rows.pop(one.follows, []) if one.follows is not None else []
            rows[position] = [*row, one]
        return tuple(tuple(row) for row in rows.values())

    def post_norm(self) -> tuple[ResidualSum, ...]:
        """Return the post-norm sums of the stream that has most of them."""
        rows = [tuple(one for one in row if one.placement == "post-norm") for row in self.streams()]
        return max(rows, key=lambda row: (len(row), total_growth(row)), default=())

    def unnormalised(self) -> tuple[ResidualSum, ...]:
        """Return the row of residual sums, without a norm in their branches or behind the row, that makes a stream largest."""
        rows: list[list[ResidualSum]] = []
        for stream in self.streams():
            rows.append([])
            for one in stream:
                if one.norm_behind or one.placement == "post-norm":
                    rows[-1] = []
                elif one.norm_in_branch:
                    rows.append([])
                else:
                    rows[-1].append(one)
        return tuple(max(rows, key=total_growth, default=()))


def total_growth(sums: Iterable[ResidualSum]) -> float:
    """Return by how much a row of residual sums makes the stream larger."""
    return math.prod(one.growth for one in sums)
