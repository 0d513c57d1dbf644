"""A raced trial: the same training until it is dropped, and measured where it is."""

from dataclasses import replace

import numpy as np
import torch

from tests.cases import CPU, dropout_mlp, fixed_batches, workload
from tests.runners.stacked.agreement import assert_agree, trials
from trainsense.records.outcome import Completed, Dropped
from trainsense.records.trace import COLUMNS
from trainsense.records.trial import Trial
from trainsense.runners.bench import prepare
from trainsense.runners.sequential import run_trial

SLOW = Trial(lr=1e-4, seed=0, steps=60, probe_every=3)
RACED = replace(SLOW, must_reach=0.01)


def test_a_dropped_trial_is_the_beginning_of_the_whole_one() -> None:
    """Bit for bit up to its last step; its score is the loss of the model that it had."""
    bench = prepare(workload(eval_data=fixed_batches), CPU, 0)
    whole, part = run_trial(bench, SLOW), run_trial(bench, RACED)
    assert isinstance(part.outcome, Dropped)
    assert part.stopped_at == part.outcome.step == len(part.trace) == 12
    assert (part.dropped, part.completed, part.failed, part.skipped) == (True, False, False, False)
    for name in COLUMNS:
        values = getattr(whole.trace, name)[:12]
        ends = slice(0, 11) if name.startswith("update") else slice(0, 12)
        np.testing.assert_array_equal(getattr(part.trace, name)[ends], values[ends], err_msg=name)
    assert part.outcome.value == part.final_probe_loss == whole.trace.probe_loss[12]
    assert part.score is not None
    assert whole.score is not None
    assert whole.score < part.score < (part.initial_loss or 0)
    assert "could not get down to 0.01" in part.outcome.text


def test_nothing_is_dropped_before_its_time() -> None:
    """Nor what reaches its mark; a race that is won leaves no trace."""
    bench = prepare(workload(), CPU, 0)
    late = run_trial(bench, replace(RACED, raced_from=30))
    assert late.stopped_at == 30
    plain, won = run_trial(bench, SLOW), run_trial(bench, replace(RACED, must_reach=10.0))
    assert isinstance(won.outcome, Completed)
    assert (won.score, won.trial.unraced()) == (plain.score, plain.trial)


def test_the_random_state_is_left_as_it_was() -> None:
    """Also where a trial with dropout is dropped."""
    bench = prepare(workload(model=dropout_mlp), CPU, 0)
    before = torch.random.get_rng_state()
    assert run_trial(bench, RACED).dropped
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_stack_drops_what_the_loop_drops() -> None:
    """At the same step; the others train on."""
    planned = trials(1e-4, 0.05, 1e-3, steps=60, probe_every=3)
    raced = [replace(trial, must_reach=0.1) for trial in planned]
    assert_agree(workload(eval_data=fixed_batches), [*raced, replace(planned[0], lr=2e-4)])
    assert_agree(workload(model=dropout_mlp), raced, same=1e-4)
