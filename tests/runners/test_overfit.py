"""Learning one batch by heart."""

import torch

from tests.cases import workload
from trainsense.runners.bench import prepare
from trainsense.runners.overfit import adam, is_learnt, overfit


def test_a_batch_is_learnt_and_stopped_early() -> None:
    bench = prepare(workload(), torch.device("cpu"), 0)
    found = overfit(bench, bench.fresh_model(0), bench.survey_batches[0], adam, 1e-2, 200)
    assert found.learnt
    assert found.steps < 200
    assert found.gap is not None
    assert found.gap > 0


def test_limits() -> None:
    bench = prepare(workload(), torch.device("cpu"), 0)
    assert overfit(bench, bench.fresh_model(0), bench.survey_batches[0], adam, 1e-2, 0).steps == 0
    assert overfit(bench, bench.fresh_model(0), bench.survey_batches[0], adam, 1e-9, 3).steps == 3
    wild = overfit(bench, bench.fresh_model(0), bench.survey_batches[0], adam, float("inf"), 3)
    assert wild.failed
    assert not wild.learnt


def test_what_counts_as_learnt() -> None:
    assert is_learnt(2.0, 1.7, 0.3)
    assert not is_learnt(2.0, 1.95, 0.05)
    assert is_learnt(1.0, -5.0, 4.0)
    assert is_learnt(2.0, 1.7, None)
    assert not is_learnt(2.0, 1.9, None)
