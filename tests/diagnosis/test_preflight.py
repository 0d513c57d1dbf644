"""Preflight as a command of its own, and as what stands before a diagnosis."""

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.cases import ROWS, TARGETS, dropout_mlp, squared_error, workload
from tests.diagnosis.test_diagnosis import request
from tests.layouts import LAYOUTS
from tests.looking import looked
from trainsense.diagnosis import run_diagnosis
from trainsense.protocol import check_setup, preflight
from trainsense.protocol.preflight import Look, Measurement
from trainsense.records.evidence import LayerStatistics, Missing, WarmStart
from trainsense.records.finding import Judgement, NotAssessed
from trainsense.workload.load import from_object


def sick_batches() -> list[tuple[Tensor, Tensor]]:
    """Return batches of which the last holds a NaN."""
    last = ROWS[24:].clone()
    last[3, 1] = float("nan")
    return [(ROWS[:8], TARGETS[:8]), (ROWS[8:16], TARGETS[8:16]), (last, TARGETS[24:])]


def test_nothing_is_trained() -> None:
    """No trial, no recommendation; the rules of other stages are not even named."""
    report = run_diagnosis(from_object(workload(lr=0.05)), request("preflight")).report
    assert report.command == "preflight"
    assert report.cost.trials == 0
    assert report.recommendation is None
    assert "sweep_lr" not in report.stages
    assert report.stages["preflight"]["warm_start"]["steps"] == 30
    judgements: list[Judgement] = [*report.passed, *report.not_assessed, *report.findings]
    named = {one.rule for one in judgements}
    assert "non-finite-data" in named
    assert "lr-too-high" not in named


def test_an_error_of_the_setup_stops_the_diagnosis() -> None:
    """The sweeps would waste the user's hours; the report says so, and how to go on."""
    report = run_diagnosis(from_object(workload(data=sick_batches, lr=0.05)), request("diagnose")).report
    assert report.verdict == "unhealthy"
    assert report.cost.trials == 0
    assert "--keep-going" in report.summary
    assert "--keep-going" in report.not_run[0]


def test_keep_going() -> None:
    """Then it is trained all the same, and the error still stands in the report."""
    diagnosis = run_diagnosis(
        from_object(workload(data=sick_batches, lr=0.05)), request("diagnose", 400, keep_going=True)
    )
    assert diagnosis.report.cost.trials > 0
    assert "non-finite-data" in {finding.rule for finding in diagnosis.report.findings}


def test_other_commands_do_without() -> None:
    """A sweep looks into nothing and does not list what it did not look into."""
    report = run_diagnosis(from_object(workload(lr=0.05)), request("sweep-lr")).report
    assert "preflight" not in report.stages
    assert not [one for one in report.not_assessed if "look into the model" in one.reason]


def test_a_measurement_that_fails_is_missing_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others go on, rules that need it are not assessed, and the verdict is open."""

    def fail(look: Look, watcher: object) -> LayerStatistics:
        msg = "odd model"
        raise ValueError(msg)

    others = tuple(one for one in preflight.MEASUREMENTS if one.gives is not LayerStatistics)
    failing = Measurement(gives=LayerStatistics, measure=fail)
    monkeypatch.setattr(preflight, "MEASUREMENTS", (failing, *others))
    report = run_diagnosis(from_object(workload(lr=0.05)), request("preflight")).report
    reasons = [one.reason for one in report.not_assessed if isinstance(one, NotAssessed)]
    assert any("ValueError: odd model" in reason for reason in reasons)
    assert report.verdict == "inconclusive"


def test_a_first_look_that_fails_is_missing_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What else there is to see is seen, from what was kept too."""

    def fail(_: object) -> list[tuple[str, int]]:
        msg = "odd batch"
        raise ValueError(msg)

    monkeypatch.setattr(check_setup, "non_finite_values", fail)
    loaded = replace(from_object(workload(lr=0.05)), fingerprint="known")
    asked = replace(request("preflight"), run_dir=tmp_path)
    for _ in range(2):
        report = run_diagnosis(loaded, asked).report
        reasons = {one.rule: one.reason for one in report.not_assessed if one.crashed}
        assert reasons.keys() == {"non-finite-data", "not-deterministic"}
        assert "ValueError: odd batch" in reasons["non-finite-data"]
        assert report.stages["preflight"]["warm_start"]["steps"] == 30


class Messages(nn.Module):
    """A network of the graph that its batch holds."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(3, 16), nn.Linear(16, 1)

    def forward(self, nodes: Tensor, edges: Tensor) -> Tensor:
        """Return one number for each node."""
        messages: Tensor = edges @ self.last(torch.tanh(edges @ self.first(nodes)))
        return messages


@pytest.mark.filterwarnings("ignore:.*beta state:UserWarning")
@pytest.mark.parametrize("layout", ["COO", "CSR"])
def test_sparse_batches_are_looked_into(layout: str) -> None:
    """No check fails on them, and a sound network of a graph is healthy."""
    generator = torch.Generator().manual_seed(0)
    edges = (torch.rand(24, 24, generator=generator) < 0.15).float() + torch.eye(24)
    sparse = LAYOUTS[layout](edges / edges.sum(1, keepdim=True))
    targets = (edges @ ROWS[:24]).sum(1, keepdim=True).sin()

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        return ((ROWS[:24] + 0.1 * torch.randn(24, 3), sparse) for _ in range(4))

    def loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return functional.mse_loss(model(*batch), targets)

    loaded = from_object(workload(model=Messages, data=batches, loss=loss, lr=0.05))
    report = run_diagnosis(loaded, request("diagnose", 250)).report
    assert not [one for one in report.not_assessed if one.crashed]
    assert not [one for one in report.findings if one.severity != "note"]


class Kept:
    """A model factory that hands out models and remembers them as they were."""

    def __init__(self) -> None:
        self.models: list[tuple[nn.Module, dict[str, Tensor]]] = []

    def __call__(self) -> nn.Module:
        """Build one."""
        model = dropout_mlp()
        self.models.append((model, {name: value.clone() for name, value in model.state_dict().items()}))
        return model


def test_the_users_state_is_left_as_it_was() -> None:
    """Generators, gradient mode, default dtype and threads; hooks and modes of every model that was handed out."""
    factory = Kept()
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    before = (random.getstate(), str(np.random.get_state()), torch.get_rng_state().clone(), torch.get_num_threads())
    run_diagnosis(from_object(workload(model=factory, lr=0.05)), request("preflight"))
    assert random.getstate() == before[0]
    assert str(np.random.get_state()) == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])
    assert torch.get_num_threads() == before[3]
    assert torch.is_grad_enabled()
    assert not torch.is_anomaly_enabled()
    for model, _ in factory.models:
        for module in model.modules():
            assert not module._forward_hooks
            assert not module._forward_pre_hooks
            assert not module._backward_hooks
    untrained = [model for model, state in factory.models if _same(model, state)]
    assert untrained, "models that are only looked at keep their weights and their running statistics"


def _same(model: nn.Module, state: dict[str, Tensor]) -> bool:
    return all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


class Doubled(torch.autograd.Function):
    """Twice the input, by hand."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        """Double."""
        return 2 * value

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """Double as well."""
        return 2 * gradients[0]


class WithFunction(nn.Module):
    """A network with a custom autograd function in the middle."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(3, 16), nn.Linear(16, 1)

    def forward(self, rows: Tensor) -> Tensor:
        """Return predictions."""
        doubled: Tensor = Doubled.apply(self.first(rows))  # type: ignore[no-untyped-call]
        return self.last(doubled.tanh())  # type: ignore[no-any-return]


def compiled() -> nn.Module:
    """Build a compiled network; `eager` compiles nothing and needs no compiler."""
    model: Any = torch.compile(nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1)), backend="eager")
    return model  # type: ignore[no-any-return]


@pytest.mark.parametrize("model", [compiled, WithFunction], ids=["compiled", "custom autograd function"])
def test_models_that_are_hard_to_look_into(model: Any) -> None:
    """Nothing crashes and nothing is alleged."""
    report = run_diagnosis(from_object(workload(model=model, lr=0.05)), request("preflight")).report
    assert not [finding for finding in report.findings if finding.severity != "note"]


def test_the_warm_start_tells_what_it_did() -> None:
    """At the user's lr; a failure is told, not raised."""
    (warm,) = [one for one in looked(workload(lr=0.05), only=()) if isinstance(one, WarmStart)]
    assert warm.users
    assert warm.loss < warm.initial_loss
    (failed,) = [one for one in looked(workload(lr=1e12), only=()) if isinstance(one, WarmStart)]
    assert "step" in failed.failed
    assert not [one for one in looked(workload(loss=squared_error)) if isinstance(one, Missing)]


def mislabelled() -> list[tuple[Tensor, Tensor]]:
    """Return batches of three classes, of which the fourth holds a label that the head does not have."""
    labels = [torch.arange(8) % 3 for _ in range(6)]
    labels[3] = labels[3] + 1
    return [(ROWS[:8] + index, one) for index, one in enumerate(labels)]


def test_a_label_that_ends_the_first_look_is_a_finding() -> None:
    """Torch raises on it in the fourth step; the user learns which label it was, not where torch stopped."""
    sick = workload(
        model=lambda: nn.Linear(3, 3),
        data=mislabelled,
        loss=lambda model, batch: nn.functional.cross_entropy(model(batch[0]), batch[1]),
        lr=0.01,
    )
    report = run_diagnosis(from_object(sick), request("diagnose")).report
    assert "labels-mismatch" in {finding.rule for finding in report.findings if finding.severity == "error"}
    assert report.cost.trials == 0


def test_no_clock_decides_what_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that takes a second from one look at the clock to the next, it is the same."""

    def label(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return functional.cross_entropy(model(batch[0]), torch.arange(len(batch[0])) % 2)  # which nothing can learn

    subject = workload(model=lambda: nn.Linear(3, 2), loss=label, lr=0.05)
    usual = looked(subject)
    clock = count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    assert repr(looked(subject)) == repr(usual)
    assert next(clock) > 0
