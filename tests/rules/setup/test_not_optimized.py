"""Parameters that get a gradient and that no optimizer holds; and optimizers that hold what they should."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam, Optimizer

from tests.looking import findings
from tests.rules.setup.parameter_workloads import Net, built, plain, squared_error
from trainsense.probes.structure import shown

RULE = "not-optimized"


def only(*layers: str) -> Callable[[nn.Module, float], Optimizer]:
    """Return an optimizer over some of the layers."""
    return lambda model, lr: SGD([one for layer in layers for one in getattr(model, layer).parameters()], lr=lr)


def of_another_model(model: nn.Module, lr: float) -> Optimizer:
    return SGD(Net(plain).parameters(), lr=lr)


@pytest.mark.parametrize(
    ("optimizer", "severity"),
    [(only("last"), "error"), (of_another_model, "error"), (only("second", "last"), "warning")],
    ids=["head", "another model", "most"],
)
def test_what_is_left_out_is_named(optimizer: Callable[[nn.Module, float], Optimizer], severity: str) -> None:
    """An error where it is most of the model."""
    found = findings(built(optimizer=optimizer))[RULE]
    assert found.severity == severity
    assert found.fixes == ("optimize-all-parameters",)
    assert found.locations[0].module == "first"


def in_a_list(net: Any) -> None:
    net.hidden = [net.second, nn.Linear(16, 16)]
    del net.second


def through_the_list(net: Any, rows: Tensor) -> Tensor:
    rows = net.first(rows).relu()
    for layer in net.hidden:
        rows = layer(rows).relu()
    return net.last(rows)  # type: ignore[no-any-return]


def anew(net: Any, rows: Tensor) -> Tensor:
    return net.last(nn.Linear(16, 16)(net.first(rows).relu()))  # type: ignore[no-any-return]


def plain_tensor(net: Any) -> None:
    net.scale = torch.ones(16, requires_grad=True)


def scaled(net: Any, rows: Tensor) -> Tensor:
    return net.last(net.scale * net.second(net.first(rows).relu()).relu())  # type: ignore[no-any-return]


def replaced(net: Any, rows: Tensor) -> Tensor:
    net.second.weight = nn.Parameter(net.second.weight.detach().clamp(-1, 1))
    return plain(net, rows)


@pytest.mark.parametrize(
    "workload",
    [built(through_the_list, in_a_list), built(anew), built(scaled, plain_tensor), built(replaced)],
    ids=["list", "anew", "tensor", "replaced"],
)
def test_what_cannot_be_held_is_an_error(workload: Any) -> None:
    """It is found in the graph of the loss, with its line."""
    found = findings(workload)[RULE]
    assert found.severity in {"error", "warning"}
    assert found.locations


def test_unregistered_layers_are_named_by_their_line() -> None:
    """The line that calls them."""
    found = findings(built(through_the_list, in_a_list))[RULE]
    assert found.severity == "error"
    assert found.evidence["made_anew"] is False
    assert (found.locations[0].file, found.locations[0].line) == (
        shown(__file__),
        through_the_list.__code__.co_firstlineno + 3,
    )


class Wrapping(Optimizer):
    """An optimizer that has another one do the work and lists nothing of its own."""

    def __init__(self, parameters: Any, lr: float) -> None:
        super().__init__([nn.Parameter(torch.zeros(1))], {"lr": lr})
        self.step_of = Adam(parameters, lr=lr).step

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.step_of()


def in_two_groups(model: nn.Module, lr: float) -> Optimizer:
    matrices = [one for one in model.parameters() if one.dim() > 1]
    rest = [one for one in model.parameters() if one.dim() < 2]
    return SGD([{"params": matrices, "weight_decay": 1e-3}, {"params": rest, "lr": 2 * lr}], lr=lr)


def tied(net: Any) -> None:
    net.second.weight = nn.Parameter(0.3 * torch.randn(16, 16))
    net.third = nn.Linear(16, 16)
    net.third.weight = net.second.weight


def through_tied(net: Any, rows: Tensor) -> Tensor:
    return net.last(net.third(net.second(net.first(rows).relu()).relu()))  # type: ignore[no-any-return]


class Words(nn.Module):
    """An embedding of which most rows are never used, and its own transpose as the head."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(100, 8)

    def forward(self, words: Tensor) -> Tensor:
        return functional.linear(self.embedding(words), self.embedding.weight)


def gradient_of_input(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    rows = batch[0].clone().requires_grad_()
    predicted = model(rows)
    return functional.mse_loss(predicted, batch[1]) + 0.01 * rows.square().mean()


@pytest.mark.parametrize(
    "workload",
    [
        built(optimizer=in_two_groups),
        built(optimizer=lambda model, lr: Wrapping(model.parameters(), lr), lr=1e-3),
        built(through_tied, tied),
        built(loss=gradient_of_input),
    ],
    ids=["groups", "wrapping", "tied", "inputs with gradient"],
)
def test_what_is_held_is_not_named(workload: Any) -> None:
    """Held is what changes in an update, whoever lists it."""
    assert not findings(workload).among("no-gradient", "not-optimized", "over-regularized")


def test_unused_rows_of_an_embedding_are_not_named() -> None:
    """Nor is one matrix that is used twice."""
    words = torch.arange(24).reshape(4, 6)
    workload = built(
        model=Words,
        data=lambda: [words, words.flip(0)],
        loss=lambda model, batch: functional.cross_entropy(model(batch).flatten(0, 1), batch.flatten()),
    )
    assert not findings(workload).among("no-gradient", "not-optimized", "over-regularized")


def test_a_teacher_outside_of_the_model_is_a_note() -> None:
    """It gets a gradient that nobody wants."""
    teacher = nn.Linear(8, 1)

    def distil(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return squared_error(model, (batch[0], teacher(batch[0])))

    assert findings(built(loss=distil))[RULE].severity == "note"
    assert all(parameter.grad is None or not parameter.grad.isnan().any() for parameter in teacher.parameters())
