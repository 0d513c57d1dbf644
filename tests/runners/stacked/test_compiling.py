"""Stacks that torch compiles: the loop's figures, and the stack as it is where compiling fails."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.cases import CPU, workload
from tests.runners.stacked.agreement import FIRST, trials
from trainsense.executors.in_process import InProcess
from trainsense.executors.stacked import Stacked
from trainsense.records.outcome import Diverged
from trainsense.runners.bench import Bench, prepare
from trainsense.runners.sequential import run_trial
from trainsense.runners.stacked import rehearsal
from trainsense.runners.stacked.together import train_together
from trainsense.workload.contract import Workload
from trainsense.workload.seeding import random_state_kept


@pytest.fixture
def without_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let torch trace and differentiate as ever, and write no C++: that takes half a minute (tests/benchmarks/compiled.py)."""
    compiling = torch.compile

    def traced(function: Any, *, fullgraph: bool, dynamic: bool, options: dict[str, Any]) -> Any:
        assert options["fallback_random"]
        return compiling(function, fullgraph=fullgraph, dynamic=dynamic, backend="aot_eager")

    monkeypatch.setattr(torch, "compile", traced)


def opened(made: Workload) -> Bench:
    with random_state_kept():
        return prepare(made, CPU, 0)


def small() -> nn.Module:
    """Return a model with buffers that change and with dropout."""
    return nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.2), nn.Linear(3, 1))


@pytest.mark.usefixtures("without_kernels")
def test_a_compiled_stack_trains_as_the_loop_does() -> None:
    """Also beside a trial that diverges and stays; a second stack, which the engine rehearses, is not compiled anew."""
    bench = opened(workload(model=small))
    planned = trials(1e-3, 1e30, 1e-2)
    left: list[Any] = []
    runs = {run.trial.lr: run for run in train_together(bench, planned, left, compiled=True)}
    assert not left
    for trial in planned:
        alone, run = run_trial(bench, trial), runs[trial.lr]
        assert (type(alone.outcome), alone.stopped_at) == (type(run.outcome), run.stopped_at)
        for column in ("loss", "grad_norm", "probe_loss"):
            expected = getattr(alone.trace, column)[:FIRST]
            assert getattr(run.trace, column)[:FIRST] == pytest.approx(expected, rel=1e-5, nan_ok=True)
    assert isinstance(runs[1e30].outcome, Diverged)
    stacked = Stacked(bench, InProcess(bench), compiles=True)
    assert len(list(stacked.run(trials(1e-3, 2e-3, 1e-2)))) == len(planned)
    assert stacked.used
    assert "trained at once, compiled" in stacked.findings or "not compiled: no faster" in stacked.findings


class Opaque(nn.Module):
    """A model that torch refuses to compile."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Linear(3, 1)

    def forward(self, rows: Tensor) -> Tensor:
        torch._dynamo.graph_break()
        outputs: Tensor = self.net(rows)
        return outputs


def test_what_cannot_be_compiled_is_stacked_as_it_is() -> None:
    """And the reason is told."""
    stacked = Stacked(bench := opened(workload(model=Opaque)), InProcess(bench), compiles=True)
    planned = trials(0.01, 0.02)
    assert len(list(stacked.run(planned))) == len(planned)
    assert stacked.used
    assert "2 trials trained at once, " in stacked.findings
    assert "; not compiled: " in stacked.findings
    assert "\n" not in stacked.findings


def test_a_compiled_stack_that_breaks_goes_on_uncompiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another number of trials has to be compiled anew, which may fail where the rehearsal did not."""
    stacked = Stacked(bench := opened(workload(model=Opaque)), other := InProcess(bench), compiles=True)
    measured = rehearsal.Rehearsal(trials=2, speedup=3.0)
    monkeypatch.setattr(stacked, "_compiled", lambda *_: replace(measured, speedup=4.0))
    monkeypatch.setattr(other, "run", lambda _: iter(()))
    planned = trials(0.01, 0.02)
    assert len(list(stacked.run(planned))) == len(planned)
    assert "not compiled: " in stacked.findings
