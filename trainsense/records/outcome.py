"""`Outcome`: how a trial ended. A value, whose text is the sentence a person reads."""

from dataclasses import dataclass
from typing import Literal

DivergenceReason = Literal[
    "non-finite-loss", "non-finite-gradient", "non-finite-parameter", "non-finite-probe", "loss-explosion"
]
CrashReason = Literal["exception", "out-of-memory"]
SkipReason = Literal["budget", "interrupted"]


@dataclass(frozen=True, kw_only=True)
class Completed:
    """The trial ran all its steps."""

    @property
    def text(self) -> str:
        """Return the outcome as a sentence."""
        return "ran to the end"


@dataclass(frozen=True, kw_only=True)
class Diverged:
    """The trial was stopped because its loss, gradient or parameters left the finite range, or the loss exploded.

    Args:
        reason: what was seen.
        step: the 0-based step at which it was seen.
        value: the number that was seen.
    """

    reason: DivergenceReason
    step: int
    value: float

    @property
    def text(self) -> str:
        """Return the outcome as a sentence."""
        what = {
            "non-finite-loss": f"the loss became {self.value}",
            "non-finite-gradient": f"the gradient norm became {self.value}",
            "non-finite-parameter": f"the update made the parameters {self.value}",
            "non-finite-probe": f"the probe loss became {self.value}",
            "loss-explosion": f"the loss exploded to {self.value:.4g}",
        }[self.reason]
        return f"{what} at step {self.step}"


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """The trial was stopped because it could no longer become the best (racing, PROTOCOL 6.5); it is measured where it stopped.

    Args:
        step: the 0-based step before which it was stopped.
        value: the probe loss there.
        must_reach: the probe loss that was out of its reach.
    """

    step: int
    value: float
    must_reach: float
    reason: Literal["out-of-reach"] = "out-of-reach"

    @property
    def text(self) -> str:
        """Return the outcome as a sentence."""
        return f"dropped at step {self.step}: from {self.value:.4g} it could not get down to {self.must_reach:.4g}"


@dataclass(frozen=True, kw_only=True)
class Crashed:
    """The user's code raised, or memory ran out, in the middle of the trial.

    Args:
        reason: which of the two.
        step: the 0-based step at which it happened.
        message: the exception's type and text.
        user_traceback: its traceback from the user's file on.
    """

    reason: CrashReason
    step: int
    message: str
    user_traceback: str = ""

    @property
    def text(self) -> str:
        """Return the outcome as a sentence."""
        what = "ran out of memory" if self.reason == "out-of-memory" else "raised"
        return f"{what} at step {self.step}: {self.message}"


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """The trial was planned and not run."""

    reason: SkipReason

    @property
    def text(self) -> str:
        """Return the outcome as a sentence."""
        return "not run: " + ("the budget was spent" if self.reason == "budget" else "interrupted")


Outcome = Completed | Dropped | Diverged | Crashed | Skipped
