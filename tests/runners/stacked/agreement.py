"""Stacks beside the loop."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from tests.cases import CPU
from trainsense import Workload
from trainsense.records.run import Run
from trainsense.records.trace import COLUMNS
from trainsense.records.trial import Trial
from trainsense.runners.bench import prepare
from trainsense.runners.sequential import run_trial
from trainsense.runners.stacked.together import train_together
from trainsense.workload.seeding import random_state_kept

SAME: Final = 1e-5
FIRST: Final = 10
ROUNDED_AWAY: Final = ("update_norm", "update_ratio", "attention_logit")
"""What Adam makes of gradients that are zero but for rounding (a bias before a normalisation, a key's bias) shows here alone."""
ENDS: Final = ("initial_loss", "score", "score_error", "final_probe_loss", "constant_gap", "mean_output_gap")


def trials(*lrs: float, steps: int = 12, **settings: object) -> list[Trial]:
    return [Trial(lr=lr, seed=0, steps=steps, **{"probe_every": 5} | settings) for lr in lrs]  # type: ignore[arg-type]


def beside(workload: Workload, planned: Sequence[Trial]) -> list[tuple[Run, Run]]:
    """Return for each trial what the loop made of it, and the stack."""
    with random_state_kept():
        bench = prepare(workload, CPU, 0)
    left: list[Trial] = []
    together = {run.trial.content(): run for run in train_together(bench, planned, left)}
    assert not left
    return [(run_trial(bench, trial), together[trial.content()]) for trial in planned]


def assert_agree(workload: Workload, planned: Sequence[Trial], *, same: float = SAME) -> None:
    for alone, stacked in beside(workload, planned):
        assert type(alone.outcome) is type(stacked.outcome), (alone.outcome, stacked.outcome)
        assert alone.stopped_at == stacked.stopped_at
        for column in COLUMNS:
            one, other = (getattr(run.trace, column) for run in (alone, stacked))
            assert one.shape == other.shape
            np.testing.assert_array_equal(np.isnan(one), np.isnan(other), err_msg=column)
            tolerance = 1e-2 if column in ROUNDED_AWAY else same
            np.testing.assert_allclose(other[:FIRST], one[:FIRST], rtol=tolerance, atol=1e-12, err_msg=column)
        for name in ENDS:
            one, other = getattr(alone, name), getattr(stacked, name)
            assert (one is None) == (other is None), name
            if one is not None:
                assert abs(one - other) <= 20 * same * (abs(one) + 0.1), name
        assert alone.metrics.keys() == stacked.metrics.keys()
