"""`EditSurvey`: what a model edit would change in a model, found out before it is tried."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EditSurvey:
    """One model edit, held against one model.

    Attributes:
        edit: its name, from `records.settings.MODEL_EDITS`.
        changes: paths of the modules or parameters that it changes, as in `model.named_modules()`; empty if it cannot
            be applied to this model.
        reason: why it cannot be applied, as a sentence; empty if it can.
        code: lines of Python that make the same change to a fresh `model`, to be pasted before the optimizer is built;
            empty if it cannot be applied.
        advice: the change in words, for a reader who has to make it by hand.
    """

    edit: str
    changes: tuple[str, ...]
    reason: str
    code: str
    advice: str

    @property
    def applicable(self) -> bool:
        """Whether the edit can be applied to this model."""
        return not self.reason
