"""Evidence of the instability check (PROTOCOL 3)."""

from dataclasses import dataclass
from typing import Literal

from trainsense.records.run import Run

EventKind = Literal["early", "mid"]
EventCause = Literal["rise", "spike", "divergence", "collapse"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """An instability.

    Attributes:
        kind: `early` or `mid` (after a steady decline).
        cause: a rise of the probe loss by a share of D, a spike against its running minimum, divergence, or a
            model that came to ignore its inputs.
        onset_step: 0-based step at which the rise began.
        peak: highest probe loss after the onset; `inf` when it diverged.
        drawdown: largest rise as a share of D; `inf` when it diverged.
        recovered: whether the probe loss came back below its minimum before the onset by the end.
        recovery_steps: steps from the onset until it was back, None if it was not.
    """

    kind: EventKind
    cause: EventCause
    onset_step: int
    peak: float
    drawdown: float
    recovered: bool
    recovery_steps: int | None


@dataclass(frozen=True, kw_only=True)
class InstabilityRun:
    """One run at a multiple of lr*, evaluated at every step.

    Attributes:
        factor: multiple of lr*; for the user's own setting, their lr over lr*.
        run: the run, probed at every step.
        event: the event, None if none was seen within its steps.
    """

    factor: float
    run: Run
    event: Event | None

    @property
    def kind(self) -> Literal["none", "early", "mid"]:
        """Return the contract's word for it."""
        return "none" if self.event is None else self.event.kind


@dataclass(frozen=True, kw_only=True)
class InstabilityCheck:
    """Runs at 2x, 5x and 10x lr*, with their calibration.

    Attributes:
        horizon: steps per run.
        runs: ascending in factor, seeds of one factor side by side.
        null_runs: runs at lr*/4 to lr*/2 that calibrate the threshold; empty if none fitted the budget.
        null_drawdown: largest drawdown among them as a share of D, None without them.
        threshold: drawdown above which a rise is an event, as a share of D.
        unstable_lr: the sweep's, lowered to the smallest lr at which an event was seen that hurt.
    """

    horizon: int
    runs: tuple[InstabilityRun, ...]
    null_runs: tuple[Run, ...]
    null_drawdown: float | None
    threshold: float
    unstable_lr: float | None

    @property
    def events(self) -> tuple[InstabilityRun, ...]:
        """Return the runs in which an event was seen."""
        return tuple(run for run in self.runs if run.event is not None)
