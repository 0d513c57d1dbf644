"""`Settings`: what to train with; a fix is a change of them (CONTRACT 5)."""

from dataclasses import dataclass, replace
from typing import Final

from trainsense.records.trial import Trial

OPTIMIZERS: Final = ("SGD", "Adam", "AdamW", "RMSprop", "NAdam")
"""The optimizers that a trial may name, by their names in `torch.optim`; SGD has momentum 0.9."""

LR_CHANGES: Final = ("lower-lr", "raise-lr")
"""The fixes that change the learning rate alone (CONTRACT 5)."""

MODEL_EDITS: Final = ("zero-init-residual", "pre-norm", "reinitialize", "replace-activation", "normalize-inputs")
"""The model edits that a trial may name (CONTRACT 5)."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What to train with.

    Args:
        lr: learning rate.
        warmup_steps: linear warmup prepended to the schedule.
        clip_norm: global L2 clipping threshold, or None.
        optimizer: name of another optimizer, from `OPTIMIZERS`, or None for the workload's own.
        edits: names of model edits, from `MODEL_EDITS`, in the order in which they are made.
    """

    lr: float
    warmup_steps: int = 0
    clip_norm: float | None = None
    optimizer: str | None = None
    edits: tuple[str, ...] = ()

    def applied(self, trial: Trial) -> Trial:
        """Return `trial` with these settings, and all else as it was."""
        return replace(
            trial,
            lr=self.lr,
            warmup_steps=self.warmup_steps,
            clip_norm=self.clip_norm,
            optimizer=self.optimizer,
            edits=self.edits,
        )
