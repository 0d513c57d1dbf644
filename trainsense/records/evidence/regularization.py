"""Evidence of how strongly weight decay and penalties pull, beside what the data asks for."""

from dataclasses import dataclass
from statistics import median
from typing import Literal

PullKind = Literal["coupled", "decoupled", "penalty"]
"""Weight decay added to the gradient; weight decay applied to the weights themselves; a term of the loss."""


@dataclass(frozen=True, kw_only=True)
class Pull:
    """One regulariser over the warm start: it pulls weights towards zero.

    Attributes:
        kind: what it is.
        coefficient: the largest weight decay in use, None for a penalty.
        ratios: its norm over that of what the data asks for, in order: for weight decay at each step looked at, for a penalty
            before and after the warm start. Coupled: gradients, |wd w| / |g|, g as clipped. Decoupled: steps,
            |lr wd w| / |rest of the update|. Penalty: gradients, |of the penalty| / |of the rest of the loss|. Entries without
            any gradient from the data are left out.
        value: what it adds to the loss at initialisation (wd |w|^2 / 2 for coupled weight decay); None where it adds
            nothing, being decoupled.
        start_norm: L2 norm of the weights that it pulls, at initialisation.
        end_norm: the same after the warm start; NaN if they are not finite.
        share: share of the trainable scalars that it pulls.
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
    file: str = ""
    line: int | None = None

    @property
    def strength(self) -> float:
        """The median ratio, or that of the first five where it is larger: later on the weights may be gone; 0 without any."""
        return max(median(self.ratios[:5]), median(self.ratios)) if self.ratios else 0.0

    @property
    def shrunk(self) -> float:
        """What the warm start left of the weights' norm, as a share."""
        return self.end_norm / self.start_norm if self.start_norm else 1.0


@dataclass(frozen=True, kw_only=True)
class RegularizationCheck:
    """All regularisers that were found, and what they cost. Losses are those on the probe batches, without penalties.

    Attributes:
        pulls: the regularisers.
        steps: optimizer steps of the warm start.
        initial_loss: loss of the fresh model.
        constant_loss: loss of the best constant prediction found, None where outputs could not be replaced.
        loss: loss after the warm start, NaN if it diverged.
        loss_without: loss after the same warm start without weight decay and penalties, None where that was not tried (no
            regulariser pulls noticeably) or failed.
    """

    pulls: tuple[Pull, ...]
    steps: int
    initial_loss: float
    constant_loss: float | None
    loss: float
    loss_without: float | None = None
