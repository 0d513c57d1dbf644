"""Regularisation that outweighs the data; and decay that does not, on nets of many kinds."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam, AdamW, Muon, Optimizer

from tests.looking import findings, looked
from tests.rules.evidence import drawn, open_, quiet
from tests.rules.setup.parameter_workloads import ROWS
from trainsense import Workload
from trainsense.probes.structure import shown
from trainsense.records.evidence import Pull, RegularizationCheck

RULE = "over-regularized"
LABELS = ROWS[:, :3].argmax(1)
Penalty = Callable[[nn.Module], Tensor]


def classifier() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3))


def normalised() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3))


def trained() -> nn.Module:
    """Return a classifier that knows its data by heart: hardly any gradient is left."""
    net = classifier()
    optimizer = Adam(net.parameters(), lr=0.01)
    for _ in range(120):
        optimizer.zero_grad()
        functional.cross_entropy(net(ROWS), LABELS).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return net


def squares(factor: float) -> Penalty:
    return lambda net: factor * sum((one.square().sum() for one in net.parameters()), torch.zeros(()))


def magnitudes(factor: float) -> Penalty:
    return lambda net: factor * torch.stack([one.abs().sum() for one in net.parameters()]).sum()


def norms(factor: float) -> Penalty:
    return lambda net: factor * torch.cat([one.flatten() for one in net.parameters()]).norm()


def gram(factor: float) -> Penalty:
    return lambda net: (
        factor * sum((torch.trace(one @ one.T) for one in net.parameters() if one.dim() == 2), torch.zeros(()))
    )


def made(
    optimizer: Callable[[Any, float], Optimizer] = Adam,
    lr: float = 1e-3,
    penalty: Penalty | None = None,
    model: Callable[[], nn.Module] = classifier,
    **options: Any,
) -> Workload:
    """Return a workload of a classifier, its optimizer's options and a penalty."""

    def loss(net: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        error = functional.cross_entropy(net(batch[0]), batch[1])
        return error if penalty is None else error + penalty(net)

    return Workload(
        model=model,
        data=lambda: list(zip(torch.split(ROWS, 32), torch.split(LABELS, 32), strict=True)),
        loss=loss,
        optimizer=lambda net, lr: optimizer(net.parameters(), lr=lr, **options),  # type: ignore[call-arg]
        lr=lr,
    )


@pytest.mark.parametrize(
    "workload",
    [
        made(SGD, 0.05, momentum=0.9, weight_decay=1.0),
        made(SGD, 0.001, momentum=0.9, weight_decay=1.0),
        made(SGD, 0.05, model=normalised, momentum=0.9, weight_decay=1.0),
        made(Adam, weight_decay=1.0),
        made(AdamW, weight_decay=100.0),
        made(AdamW, 1e-5, weight_decay=100.0),
        made(penalty=squares(10.0)),
        made(SGD, 0.01, penalty=squares(10.0)),
        made(penalty=magnitudes(0.1)),
        made(penalty=norms(10.0)),
        made(penalty=gram(1.0)),
    ],
    ids=["sgd", "low lr", "batch norm", "adam", "adamw", "adamw low", "l2", "l2 sgd", "l1", "norm", "gram"],
)
def test_heavy_regularisation_is_named(workload: Workload) -> None:
    """Whatever form it takes."""
    assert findings(workload)[RULE].severity == "error"


def test_a_penalty_is_named_by_its_line() -> None:
    """The line that computes it."""
    place = findings(made(penalty=norms(10.0)))[RULE].locations[0]
    assert (place.file, place.line) == (shown(__file__), norms.__code__.co_firstlineno + 1)


@pytest.mark.parametrize(
    "workload",
    [
        made(SGD, 0.05, momentum=0.9, weight_decay=1e-2),
        made(SGD, 0.1, model=normalised, momentum=0.9, nesterov=True, weight_decay=5e-3),
        made(SGD, 0.01, model=trained, momentum=0.9, weight_decay=1e-2),
        made(SGD, 0.01, model=trained, weight_decay=1e-2),
        made(Adam, weight_decay=1e-3),
        made(AdamW, weight_decay=0.1),
        made(AdamW, 1e-2, model=trained, weight_decay=0.1),
        made(penalty=squares(1e-3)),
        made(penalty=magnitudes(1e-4)),
        made(penalty=norms(1e-2)),
        made(penalty=gram(1e-3)),
        made(SGD, 0.01, model=trained, penalty=squares(1e-3)),
    ],
    ids=[
        "sgd",
        "nesterov",
        "trained",
        "trained plain",
        "adam",
        "adamw",
        "adamw trained",
        "l2",
        "l1",
        "norm",
        "gram",
        "l2 trained",
    ],
)
def test_customary_regularisation_is_not_named(workload: Workload) -> None:
    """Nor is it where a trained model hardly gets a gradient."""
    assert RULE not in findings(workload)


class Uncertain(nn.Module):
    """A net with learned weights of its losses (Kendall, Gal and Cipolla 2018): a term of the loss is a parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.net, self.logs = classifier(), nn.Parameter(torch.ones(2))

    def forward(self, rows: Tensor) -> Tensor:
        return self.net(rows)  # type: ignore[no-any-return]


class Flow(nn.Module):
    """A linear normalising flow: the log determinant depends on parameters alone."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix, self.scale = nn.Parameter(torch.eye(8) + 0.1 * torch.randn(8, 8)), nn.Parameter(torch.zeros(8))

    def forward(self, rows: Tensor) -> Tensor:
        return rows * self.scale.exp() @ self.matrix


def weighted(net: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
    logits = net(batch[0])
    one, two = functional.cross_entropy(logits, batch[1]), functional.multi_margin_loss(logits, batch[1])
    return (-net.logs[0]).exp() * one + net.logs[0] + (-net.logs[1]).exp() * two + net.logs[1]  # type: ignore[no-any-return]


def likelihood(net: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
    return 5 * net(batch[0]).square().sum(1).mean() - 10 * (torch.linalg.slogdet(net.matrix)[1] + net.scale.sum())  # type: ignore[no-any-return]


@pytest.mark.parametrize(("model", "loss"), [(Uncertain, weighted), (Flow, likelihood)])
def test_terms_of_parameters_that_are_no_penalties_are_not_named(model: Any, loss: Any) -> None:
    """They pull at few scalars, or not towards zero."""
    workload = Workload(model=model, data=lambda: [(ROWS[:32], LABELS[:32])] * 3, loss=loss, lr=1e-3)
    assert RULE not in findings(workload)
    check = next(one for one in looked(workload, only=[RegularizationCheck]) if isinstance(one, RegularizationCheck))
    assert [pull.kind for pull in check.pulls] == ["decoupled"]


@pytest.mark.parametrize(
    ("optimizer", "options", "kind"),
    [
        (SGD, {"momentum": 0.9}, "coupled"),
        (SGD, {}, "coupled"),
        (Adam, {}, "coupled"),
        (Adam, {"decoupled_weight_decay": True}, "decoupled"),
        (AdamW, {}, "decoupled"),
        (torch.optim.RMSprop, {}, "coupled"),
        (torch.optim.Adafactor, {}, "decoupled"),
    ],
)
def test_whether_decay_is_decoupled_is_measured(optimizer: Any, options: dict[str, Any], kind: str) -> None:
    """Not read off the name."""
    check = next(
        one
        for one in looked(made(optimizer, weight_decay=1e-3, **options), only=[RegularizationCheck])
        if isinstance(one, RegularizationCheck)
    )
    assert [pull.kind for pull in check.pulls] == [kind]
    assert math.isfinite(check.pulls[0].strength)


def test_muon_decays_too() -> None:
    """It takes matrices alone."""
    bare = lambda: nn.Sequential(nn.Linear(8, 32, bias=False), nn.ReLU(), nn.Linear(32, 3, bias=False))  # noqa: E731
    assert RULE not in findings(made(Muon, 1e-2, model=bare, weight_decay=0.1))


def pull(strength: float, **changes: Any) -> Pull:
    fields: dict[str, Any] = {"kind": "coupled", "coefficient": 1.0, "ratios": (strength,) * 30, "value": 10.0}
    return Pull(**{**fields, "start_norm": 5.0, "end_norm": 4.0, "share": 1.0, **changes})


def check(strength: float, loss: float, without: float | None, **changes: Any) -> RegularizationCheck:
    return RegularizationCheck(
        pulls=(pull(strength, **changes),),
        steps=30,
        initial_loss=1.1,
        constant_loss=1.1,
        loss=loss,
        loss_without=without,
    )


def test_the_judge() -> None:
    """Strength and cost together; strength alone only where it is bound to win."""
    assert drawn(RULE, check(15.0, 1.0, 0.8)).severity == "error"
    assert drawn(RULE, check(5.0, 1.0, 0.8)).severity == "error"
    assert drawn(RULE, check(5.0, 0.9, 0.8)).severity == "warning"
    assert drawn(RULE, check(2.0, math.nan, 0.8)).severity == "error"
    assert "20% of their norm" in drawn(RULE, check(0.2, 1.1, 0.8, end_norm=1.0)).title
    quiet(RULE, check(2.0, 0.9, 0.8))
    quiet(RULE, check(0.5, 1.1, None))
    quiet(RULE, check(50.0, 0.81, 0.8))
    assert drawn(RULE, check(15.0, 1.1, 1.1)).severity == "error"
    assert "without" in open_(RULE, check(5.0, 1.1, 1.1))
    assert "no step" in open_(
        RULE, RegularizationCheck(pulls=(), steps=0, initial_loss=1.0, constant_loss=None, loss=1.0)
    )
