"""A trial in a race: dropped once it can no longer become the best (PROTOCOL 6.5)."""

from typing import Any

from torch import nn

from trainsense.measure.racing import out_of_reach
from trainsense.records.outcome import Diverged, Dropped
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench
from trainsense.runners.ending import measure_end


class Race:
    """What a trial's probe loss has done so far.

    Args:
        trial: raced if it must reach something.
    """

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._steps: list[int] = []
        self._losses: list[float] = []

    def lost(self, step: int, probe_loss: float) -> bool:
        """Take in the probe loss before the update of `step`; return whether the trial is to be dropped there."""
        trial = self._trial
        if trial.must_reach is None:
            return False
        self._steps.append(step)
        self._losses.append(probe_loss)
        return step >= trial.raced_from and out_of_reach(
            self._steps, self._losses, horizon=trial.steps, must_reach=trial.must_reach
        )


def measure_dropped(
    bench: Bench, trial: Trial, model: nn.Module, figures: dict[str, Any], *, step: int, probe_loss: float
) -> Dropped | Diverged:
    """Measure the model of a trial that lost its race as if it had ended there; return how it ended.

    Args:
        bench: the workload on its device.
        trial: raced.
        model: before the update of `step`.
        figures: filled as by `measure_end`.
        step: the 0-based step before which it stops.
        probe_loss: measured there.

    Raises:
        UserCodeError: the user's code raised.
    """
    assert trial.must_reach is not None
    end = measure_end(bench, trial, model, figures)
    if isinstance(end, Diverged):
        return Diverged(reason=end.reason, step=step, value=end.value)
    return Dropped(step=step, value=probe_loss, must_reach=trial.must_reach)
