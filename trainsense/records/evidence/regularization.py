"""Evidence of how strongly weight decay and penalties pull, beside what the data asks for."""

from dataclasses import dataclass
from typing import Literal

PullKind = Literal["coupled", "decoupled", "penalty"]
"""Weight decay added to the gradient; weight decay applied to the weights themselves; a term of the loss."""


@dataclass(frozen=True, kw_only=True)
class Pull:
    """One regulariser over the warm start.

    Attributes:
        kind: what it is.
        coefficient: the largest weight decay in use, None for a penalty.
        ratios: its norm over that of what the data asks for, in order: for weight decay at each step looked at, for a penalty
            before and after the warm start. Coupled: gradients, |wd w| / |g|, g as clipped. Decoupled: steps,
            |lr wd w| / |rest of the update|. Penalty: gradients, |of the penalty| / |of the rest of the loss|. Entries without
            any gradient from the data are left out.
        value: at initialisation, what it adds to the loss (wd |w|^2 / 2 for coupled weight decay); None where it adds
            nothing, being decoupled.
        start_norm: L2 norm of the weights that it pulls, at initialisation.
        end_norm: the same after the warm start; NaN if they are not finite.
        share: share of the trainable scalars that it pulls.
        inward: cosine between its gradient and the weights: 1 pulls straight towards zero.
        file: file of the user's line that computes a penalty, empty if unknown.
        line: that line, None if unknown.
    """

    kind: PullKind
    coefficient: float | None
    ratios: tuple[float, ...]
    value: float | None
    start_norm: float
    end_norm: float
    share: float
    inward: float = 1.0
    file: str = ""
    line: int | None = None


@dataclass(frozen=True, kw_only=True)
class RegularizationCheck:
    """All regularisers that were found, and what they have to be held against.

    Attributes:
        pulls: the regularisers.
        loss_scale: the larger of the initial loss and that of the best constant prediction, in absolute terms and without
            penalties: what there is to gain from the data.
        initial_loss: loss of the fresh model on the probe batches.
        loss: loss after the warm start, NaN if it diverged.
        loss_without: loss after the same warm start without weight decay, None where that was not tried.
    """

    pulls: tuple[Pull, ...]
    loss_scale: float
    initial_loss: float
    loss: float
    loss_without: float | None = None
