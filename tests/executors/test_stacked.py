"""The engine `stacked` loses no trial: what cannot be stacked, or is not worth it, the other engine runs."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from tests.cases import CASES, CPU, dropout_mlp, mlp, squared_error, workload
from tests.runners.stacked.agreement import trials
from trainsense import Workload
from trainsense.diagnosis import run_diagnosis
from trainsense.diagnosis.stacking import stacking_text
from trainsense.executors.in_process import InProcess
from trainsense.executors.stacked import Stacked
from trainsense.records.outcome import Crashed
from trainsense.records.request import BudgetLimit, Engine, Request
from trainsense.records.run import Run
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench, prepare
from trainsense.runners.sequential import run_trial
from trainsense.runners.stacked import weights
from trainsense.runners.stacked.rehearsal import Rehearsal
from trainsense.workload.load import from_object
from trainsense.workload.seeding import random_state_kept

COUNT = 5


class Counting(InProcess):
    """Remembers what was left to it."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.ran: list[Trial] = []

    def run(self, trials: Sequence[Trial]) -> Iterator[Run]:
        self.ran += trials
        yield from super().run(trials)


def engine(made: Workload, **options: Any) -> tuple[Stacked, Counting, Bench]:
    with random_state_kept():
        bench = prepare(made, CPU, 0)
    other = Counting(bench)
    return Stacked(bench, other, **options), other, bench


def ran(stacked: Stacked, planned: Sequence[Trial]) -> dict[str, Run]:
    runs = list(stacked.run(planned))
    assert len(runs) == len(planned)
    found = {run.trial.content(): run for run in runs}
    assert found.keys() == {trial.content() for trial in planned}
    return found


def test_alike_trials_are_stacked_and_others_run_alone() -> None:
    stacked, other, bench = engine(workload(model=dropout_mlp))
    alone = trials(0.01, steps=9)
    planned = [replace(trial, seed=seed) for seed in (0, 1) for trial in trials(*(1e-3 * 1.1**k for k in range(COUNT)))]
    runs = ran(stacked, planned + alone)
    assert other.ran == alone
    assert stacked.used
    assert f"{COUNT} trials trained at once" in stacked.findings
    expected = run_trial(bench, planned[-1])
    assert runs[planned[-1].content()].trace.loss[:5] == pytest.approx(expected.trace.loss[:5], rel=1e-5)
    assert stacking_text(stacked, "sequential: one core").startswith("stacked: 5 trials")
    stacked.close()


def test_the_memory_bound_splits_a_stack() -> None:
    stacked, other, _ = engine(workload(), memory=12_000)
    ran(stacked, trials(*(0.01 * 1.1**k for k in range(COUNT))))
    assert stacked.used
    assert stacked.findings.startswith("2 trials")
    assert len(other.ran) == COUNT % 2
    tiny, other, _ = engine(workload(), memory=1)
    ran(tiny, trials(0.01, 0.02))
    assert len(other.ran) == 2
    assert "memory" in tiny.findings


def test_a_stack_that_runs_out_of_memory_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    stacked, other, _ = engine(workload())
    planned = trials(*(0.01 * 1.1**k for k in range(8)))
    assert stacked._verdict(planned).stacked
    take, sizes = weights.StackedWeights.take, set()

    def short(self: weights.StackedWeights, *args: Any, **options: Any) -> None:
        sizes.add(self.count)
        if self.count > 2:
            raise torch.OutOfMemoryError
        take(self, *args, **options)

    monkeypatch.setattr(weights.StackedWeights, "take", short)
    ran(stacked, planned)
    assert sizes == {8, 4, 2}
    assert not other.ran


def test_a_slow_stack_is_not_used() -> None:
    stacked, other, _ = engine(workload(), least_speedup=1e3)
    planned = trials(0.01, 0.02, 0.05)
    ran(stacked, planned)
    assert other.ran == planned
    assert "at once would be" in stacked.findings
    assert stacking_text(stacked, "sequential: one core").startswith("sequential: one core; 3 trials at once would be")
    small, other, _ = engine(workload(), step_seconds=1e-3, least_seconds=10.0)
    ran(small, planned)
    assert other.ran == planned
    assert not small.findings


@pytest.mark.parametrize(("speedup", "rehearsals"), [(0.9, [2, 7]), (0.3, [2])])
def test_a_stack_far_too_slow_is_not_rehearsed_again(
    monkeypatch: pytest.MonkeyPatch, speedup: float, rehearsals: list[int]
) -> None:
    """A larger one may be fast enough where a small one nearly was."""
    tried: list[int] = []

    def rehearsed(_bench: Bench, planned: Sequence[Trial], _least: float) -> Rehearsal:
        tried.append(len(planned))
        return Rehearsal(trials=len(planned), speedup=speedup)

    monkeypatch.setattr("trainsense.executors.stacked.rehearsed", rehearsed)
    stacked, other, _ = engine(workload(), least_speedup=1.2)
    for count in (2, 7):
        ran(stacked, trials(*(0.01 * place for place in range(1, count + 1))))
    assert tried == rehearsals
    assert len(other.ran) == 9


class Net(nn.Module):
    """A network with something in its middle."""

    def __init__(self, middle: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.net, self.before, self.middle = mlp(), nn.Linear(3, 3), middle
        self.kept: Tensor | None = None
        self.count = 0

    def forward(self, rows: Tensor) -> Tensor:
        outputs: Tensor = self.net(self.middle(self, self.before(rows)))
        return outputs


class Doubled(torch.autograd.Function):
    """Of the old style."""

    @staticmethod
    def forward(context: Any, value: Tensor) -> Tensor:
        return value * 2

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        return gradients[0] * 2


def remembering(net: Any, rows: Tensor) -> Tensor:
    before, net.kept = net.kept, rows.detach().mean(dim=0)
    return rows if before is None else rows + before


def skipping(net: Any, rows: Tensor) -> Tensor:
    return rows if random.random() < 0.5 else net.net[0](rows)[:, :3] + rows


def sparse(net: Any, rows: Tensor) -> Tensor:
    values = rows.clone()
    values[values > 0] = 0.5
    return values


def failing(net: Any, rows: Tensor) -> Tensor:
    net.count += net.training
    if net.count > 10:
        msg = "no such luck"
        raise ValueError(msg)
    return rows


BREAKING: dict[str, tuple[Callable[[Any, Tensor], Tensor], str]] = {
    "item": (lambda net, rows: rows * rows.mean().item(), "asks for the value of a tensor"),
    "control flow": (lambda net, rows: rows if rows.sum() > 0 else -rows, "asks for the value of a tensor"),
    "numpy": (lambda net, rows: rows * float(rows.detach().numpy().sum()), "asks for the value"),
    "boolean mask": (sparse, "boolean mask"),
    "state": (remembering, "from one step to the next"),
    "checkpointing": (lambda net, rows: checkpoint(torch.tanh, rows, use_reentrant=False), "checkpointed"),
    "old autograd function": (lambda net, rows: Doubled.apply(rows), "setup_context"),  # type: ignore[no-untyped-call]
    "failing later": (failing, "ValueError: no such luck"),
}


@pytest.mark.parametrize("name", BREAKING)
def test_what_cannot_be_stacked_trains_as_ever(name: str) -> None:
    middle, reason = BREAKING[name]
    stacked, other, bench = engine(workload(model=lambda: Net(middle)))
    planned = trials(0.01, 0.02, steps=20)
    runs = ran(stacked, planned)
    assert other.ran == planned
    assert reason in stacked.findings
    for trial in planned:
        expected = run_trial(bench, trial)
        assert runs[trial.content()].outcome == expected.outcome
        assert runs[trial.content()].score == expected.score
    assert isinstance(runs[planned[0].content()].outcome, Crashed) == (name == "failing later")


def test_a_stack_that_differs_from_the_loop_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    stacked, other, _ = engine(workload())
    update = weights.StackedWeights.update

    def wrong(self: weights.StackedWeights, number: int, lrs: Any, weight_decays: Any) -> None:
        update(self, number, [1.01 * lr for lr in lrs], weight_decays)

    monkeypatch.setattr(weights.StackedWeights, "update", wrong)
    planned = trials(0.01, 0.02)
    ran(stacked, planned)
    assert other.ran == planned
    assert "differ from the loop's" in stacked.findings


def test_only_what_cannot_be_measured_is_left() -> None:
    def metrics(model: nn.Module, batch: Any) -> dict[str, Tensor]:
        if float(squared_error(model, batch)) < 1e-3:
            msg = "too good"
            raise ValueError(msg)
        return {}

    stacked, other, _ = engine(workload(eval_data=workload().data, metrics=metrics))
    planned = trials(1e-4, 2e-4, 0.1, steps=60)
    runs = ran(stacked, planned)
    assert other.ran == planned[-1:]
    assert isinstance(runs[planned[-1].content()].outcome, Crashed)


@pytest.mark.parametrize("name", ["adamw", "groups", "clipped"])
def test_the_report_is_that_of_the_loop(name: str) -> None:
    case = next(case for case in CASES if case.name == name)
    found = []
    engines: tuple[Engine, Engine] = ("sequential", "stacked")
    for chosen in engines:
        asked = Request(
            command="sweep-lr",
            steps=24,
            seeds=1,
            device="cpu",
            budget=BudgetLimit(amount=1200, unit="steps"),
            engine=chosen,
        )
        report = run_diagnosis(from_object(case.make()), asked).report
        told_engine = report.provenance.engine if report.provenance else ""
        assert told_engine.startswith(f"{chosen}, as asked for")
        sweep = report.stages["sweep_lr"]
        told = [(one["lr"], one["seed"], one["feasible"], one["stopped_at"]) for one in sweep["trials"]]
        found.append(
            (report.verdict, sweep["best_lr"], sweep["unstable_lr"], [one.rule for one in report.findings], told)
        )
    assert found[0] == found[1]
    assert "trained at once" in told_engine
