"""Evidence that could not be had, with the reason."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A piece of evidence that could not be measured on this workload.

    Attributes:
        kind: name of the evidence's type.
        reason: why not, and what would settle it: a sentence that a rule can give for not being assessed.
        crashed: whether measuring it failed, as against not applying.
    """

    kind: str
    reason: str
    crashed: bool = False
