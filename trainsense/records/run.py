"""`Run`: what happened to a trial."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trainsense.records.outcome import Completed, Crashed, Diverged, Dropped, Outcome, Skipped
from trainsense.records.trace import Trace, empty_trace
from trainsense.records.trial import Trial


@dataclass(frozen=True, kw_only=True)
class Run:
    """A trial, its trace and its outcome, with the figures measured at its two ends.

    Figures that were not measured are None; figures that were measured and are not finite are NaN or infinite.

    Attributes:
        trial: the plan.
        trace: what was recorded, `len(trace)` steps.
        outcome: how it ended.
        initial_loss: L0 of PROTOCOL 0, the fresh model's loss, on the batches and in the mode of `score`.
        score: S of PROTOCOL 0; of a dropped trial the loss where it stopped; None where it diverged or crashed.
        score_error: standard error of `score` within the run.
        final_probe_loss: probe loss after the last update.
        shuffle_gap: probe loss with the inputs permuted within the batch, less the probe loss, after the last update;
            None where it could not be measured.
        constant_gap: probe loss with every output replaced by the batch's mean output, or by zero, whichever is lower, less
            the probe loss.
        mean_output_gap: the same with the mean output alone; below 0 where the model does worse than a constant.
        output_spread: standard deviation of the model's outputs across examples over their root mean square.
        final_attention_logit: largest absolute attention logit after the last update, None without attention.
        metrics: the user's extra figures on the eval data after the last update.
        seconds: wall-clock time of the trial.
    """

    trial: Trial
    trace: Trace = field(default_factory=empty_trace)
    outcome: Outcome
    initial_loss: float | None = None
    score: float | None = None
    score_error: float | None = None
    final_probe_loss: float | None = None
    shuffle_gap: float | None = None
    constant_gap: float | None = None
    mean_output_gap: float | None = None
    output_spread: float | None = None
    final_attention_logit: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def completed(self) -> bool:
        """Whether the trial ran all its steps."""
        return isinstance(self.outcome, Completed)

    @property
    def failed(self) -> bool:
        """Whether the trial diverged or crashed."""
        return isinstance(self.outcome, (Diverged, Crashed))

    @property
    def dropped(self) -> bool:
        """Whether the trial was stopped because it could no longer become the best."""
        return isinstance(self.outcome, Dropped)

    @property
    def skipped(self) -> bool:
        """Whether the trial was never run."""
        return isinstance(self.outcome, Skipped)

    @property
    def stopped_at(self) -> int | None:
        """The 0-based step at which the trial stopped early, None if it did not."""
        return self.outcome.step if isinstance(self.outcome, (Diverged, Crashed, Dropped)) else None
