"""`Prices`: what a trial costs, measured once and kept with the plan."""

from dataclasses import dataclass

from trainsense.records.run import Run
from trainsense.records.trial import Trial


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Costs in the budget's unit (seconds, or optimizer steps); all 0 or more.

    Args:
        step: one optimizer step with its recording.
        probe: one evaluation of the probe set.
        evaluation: one evaluation of the eval data.
        trial: building a model, and measuring it at the end.
    """

    step: float
    probe: float = 0.0
    evaluation: float = 0.0
    trial: float = 0.0

    def of(self, trial: Trial, steps: int | None = None) -> float:
        """Return the price of `trial`, or of its first `steps` steps.

        >>> Prices(step=1.0, probe=0.5).of(Trial(lr=0.1, seed=0, steps=10, probe_every=5))
        11.0
        """
        run = trial.steps if steps is None else steps
        probes = -(-run // trial.probe_every) if trial.probe_every else 0
        evaluations = 3 if trial.evaluate else 0
        evaluations += run // trial.eval_every if trial.eval_every else 0
        return run * self.step + probes * self.probe + evaluations * self.evaluation + self.trial

    def of_run(self, run: Run) -> float:
        """Return the price of a run, which may have stopped early."""
        return self.of(run.trial, len(run.trace))


STEP_PRICES = Prices(step=1.0)
"""Of a budget in optimizer steps: evaluations are not counted (PROTOCOL 0)."""
