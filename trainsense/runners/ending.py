"""The end of a trial: the trained model measured, and the run put together."""

import math
from typing import Any

from torch import nn

from trainsense.records.outcome import Completed, Diverged, Dropped, Outcome
from trainsense.records.run import Run
from trainsense.records.trace import Trace
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench
from trainsense.runners.score import score_of


def measure_end(bench: Bench, trial: Trial, model: nn.Module, figures: dict[str, Any]) -> Completed | Diverged:
    """Measure the trained model of `trial`; return how the trial ended.

    Args:
        bench: the workload on its device.
        trial: what was trained.
        model: after its last update.
        figures: filled with fields of `Run`, and with `eval_loss` where there is eval data.

    Raises:
        UserCodeError: the user's code raised.
    """
    if bench.eval_batches and trial.evaluate:
        figures["eval_loss"] = bench.eval_loss(model)
        figures["metrics"] = bench.metrics(model)
    if trial.probe_every:
        probe = bench.probe_loss(model)
        if not math.isfinite(probe):
            return Diverged(reason="non-finite-probe", step=trial.steps - 1, value=probe)
        figures["final_probe_loss"] = probe
        figures["final_attention_logit"] = bench.attention_logit(model)
        figures |= bench.input_dependence(model)
    return Completed()


def run_of(
    trial: Trial,
    trace: Trace,
    outcome: Outcome,
    *,
    initial_loss: float | None,
    seconds: float,
    figures: dict[str, Any],
) -> Run:
    """Return the run, scored if it completed or was dropped.

    Args:
        trial: the plan.
        trace: what was recorded.
        outcome: how it ended.
        initial_loss: L0 of PROTOCOL 0.
        seconds: what it took.
        figures: what `measure_end` filled in.
    """
    others = {name: value for name, value in figures.items() if name != "eval_loss"}
    measured = isinstance(outcome, (Completed, Dropped))
    score, error = score_of(trace, figures.get("eval_loss")) if measured else (None, None)
    return Run(
        trial=trial,
        trace=trace,
        outcome=outcome,
        initial_loss=initial_loss,
        score=score,
        score_error=error,
        seconds=seconds,
        **others,
    )
