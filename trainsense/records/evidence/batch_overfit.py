"""Evidence of whether one batch can be learnt by heart."""

from dataclasses import dataclass

from trainsense.records.location import Location


@dataclass(frozen=True, kw_only=True)
class OverfitAttempt:
    """One training on a single batch.

    Losses are with dropout off and normalisation by batch statistics.

    Attributes:
        optimizer: "Adam", or "yours".
        lr: its learning rate.
        steps: steps made.
        initial_loss: before the first.
        loss: after the last.
        gap: by how much the best constant prediction, or the same outputs handed to other examples, lies above the loss;
            None where outputs could not be replaced.
        falling: whether the training loss was still falling at the end.
        learnt: whether it clearly learnt the batch.
        failed: why it stopped early, empty if it did not.
    """

    optimizer: str
    lr: float
    steps: int
    initial_loss: float
    loss: float
    gap: float | None
    falling: bool
    learnt: bool
    failed: str = ""


@dataclass(frozen=True, kw_only=True)
class Uphill:
    """A parameter whose gradient points the wrong way.

    Attributes:
        location: the parameter.
        slope: derivative of the loss along its gradient, measured by two evaluations, over what the gradient says of it; 1 for
            a right gradient.
    """

    location: Location
    slope: float


@dataclass(frozen=True, kw_only=True)
class BatchOverfit:
    """What came of learning one batch by heart.

    Attributes:
        examples: examples in the batch.
        distinct: how many different rows enter the model; all of them where that could not be seen.
        parameters: number of trainable scalars.
        output_spread: standard deviation of the outputs across examples over their root mean square, the larger of that of
            the fresh and of the warmed model; None where it was not needed or not seen.
        attempts: trainings, in order; none where the warm start had learnt already.
        learnt_by: what learnt it, as a phrase; empty if nothing did.
        uphill: parameters whose gradient is minus the loss's.
        maximised: errors that the loss rewards: where it is the negative of a squared error or a cross-entropy and of nothing
            else.
        unseen: why it could not be measured; empty if it was.
    """

    examples: int
    distinct: int
    parameters: int
    output_spread: float | None
    attempts: tuple[OverfitAttempt, ...]
    learnt_by: str = ""
    uphill: tuple[Uphill, ...] = ()
    maximised: tuple[Location, ...] = ()
    unseen: str = ""
