"""Evidence of the warm start: a few steps of training at the user's setting."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class WarmStart:
    """A short training at the user's learning rate, schedule and clipping.

    Attributes:
        lr: learning rate.
        users: whether it is the user's own; else one that is customary for the optimizer.
        steps: optimizer steps that were made.
        initial_loss: training-mode loss of the fresh model on the probe batches (dropout off).
        loss: the same after the steps; NaN where the parameters are not finite.
        constant_loss: loss of the best constant prediction found on the probe batches, None where outputs could not be
            replaced; below it the model tells its inputs apart.
        failed: the reason if it diverged or crashed, else empty.
    """

    lr: float
    users: bool
    steps: int
    initial_loss: float
    loss: float
    constant_loss: float | None
    failed: str
