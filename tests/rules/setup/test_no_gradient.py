"""Parameters that the loss depends on and that get no gradient; and those for which that is right."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from tests.looking import findings
from tests.rules.evidence import drawn, open_, quiet
from tests.rules.setup.parameter_workloads import Net, built, plain
from trainsense.probes.structure import shown
from trainsense.records.evidence import ParameterCheck, ParameterUse

RULE = "no-gradient"


class Flattened(torch.autograd.Function):
    """A backward pass by hand that forgets its gradient."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return 2 * values

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return torch.zeros_like(gradients[0])


def under_no_grad(net: Any, rows: Tensor) -> Tensor:
    with torch.no_grad():
        hidden = net.first(rows).relu()
    return net.last(net.second(hidden).relu())  # type: ignore[no-any-return]


def detached(net: Any, rows: Tensor) -> Tensor:
    return net.last(net.second(net.first(rows).relu().detach()).relu())  # type: ignore[no-any-return]


def rounded(net: Any, rows: Tensor) -> Tensor:
    return net.last(net.second((3 * net.first(rows).relu()).round()).relu())  # type: ignore[no-any-return]


def drawn_without_reparameterisation(net: Any, rows: Tensor) -> Tensor:
    return net.last(net.second(torch.normal(net.first(rows), 0.1)).relu())  # type: ignore[no-any-return]


def by_hand(net: Any, rows: Tensor) -> Tensor:
    return net.last(net.second(Flattened.apply(net.first(rows).relu())).relu())  # type: ignore[no-any-return, no-untyped-call]


@pytest.mark.parametrize(
    "put_together",
    [under_no_grad, detached, rounded, drawn_without_reparameterisation, by_hand],
    ids=lambda one: one.__name__,
)
def test_what_is_cut_off_is_named(put_together: Callable[[Any, Tensor], Tensor]) -> None:
    """The layer in front of what cuts it off, and no other."""
    found = findings(built(put_together))[RULE]
    assert found.severity == "error"
    assert [place.module for place in found.locations] == ["first"]


def test_a_rounding_is_named_by_its_line() -> None:
    """It stands in the graph."""
    place = findings(built(rounded))[RULE].locations[0]
    assert place.file == shown(__file__)
    assert place.line == rounded.__code__.co_firstlineno + 1


def residual(net: Any, rows: Tensor) -> Tensor:
    hidden = net.first(rows).relu()
    return net.last(hidden + net.gate * net.second(hidden).relu())  # type: ignore[no-any-return]


def closed_gate(net: Any) -> None:
    net.gate = nn.Parameter(torch.zeros(1))


def dead(net: Any, rows: Tensor) -> Tensor:
    return net.last(net.second(net.first(rows).relu() - 100.0).relu() * 0 + net.first(rows))  # type: ignore[no-any-return]


def seldom(net: Any, rows: Tensor) -> Tensor:
    hidden = net.first(rows).relu()
    return net.last(net.second(hidden) if torch.rand(()) < 0.2 else hidden)  # type: ignore[no-any-return]


def averaged(net: Any, rows: Tensor) -> Tensor:
    with torch.no_grad():
        for slow, fast in zip(net.teacher.parameters(), net.first.parameters(), strict=True):
            slow.lerp_(fast, 0.01)
        taught = net.teacher(rows)
    return net.last(net.second(net.first(rows).relu()) + 0.1 * taught)  # type: ignore[no-any-return]


def with_teacher(net: Any) -> None:
    net.teacher = nn.Linear(8, 16)


def one_class(net: Any, rows: Tensor) -> Tensor:
    return plain(net, rows).softmax(dim=1)


def all_but_the_first(model: nn.Module, lr: float) -> Optimizer:
    assert isinstance(model, Net)
    return SGD([*model.second.parameters(), *model.last.parameters()], lr=lr)


def frozen(net: Any) -> None:
    net.first.requires_grad_(False)


@pytest.mark.parametrize(
    "workload",
    [
        built(plain),
        built(residual, closed_gate),
        built(dead),
        built(seldom),
        built(averaged, with_teacher),
        built(one_class),
        built(under_no_grad, optimizer=all_but_the_first),
        built(plain, frozen, optimizer=all_but_the_first),
    ],
    ids=["plain", "rezero", "dead units", "layer drop", "moving average", "constant", "left out", "frozen"],
)
def test_what_rightly_has_no_gradient_is_not_named(workload: Any) -> None:
    """Nothing at all is said of it."""
    assert not findings(workload).among("no-gradient", "not-optimized", "over-regularized")


@pytest.mark.parametrize("prepare", [with_teacher, frozen])
def test_what_is_harmless_is_a_note(prepare: Callable[[Any], None]) -> None:
    """A layer that nobody calls; a frozen one that the optimizer holds."""
    assert findings(built(plain, prepare))[RULE].severity == "note"


def use(**changes: Any) -> ParameterUse:
    fields: dict[str, Any] = {"name": "a.weight", "module": "a", "size": 10, "trainable": True, "held": True}
    return ParameterUse(**{**fields, "gradient": "none", "takes_part": True, **changes})


def check(*uses: ParameterUse, steps: int = 30) -> ParameterCheck:
    return ParameterCheck(steps=steps, parameters=uses, failed="" if steps else "NaN")


def test_the_judge() -> None:
    """Held, without gradient, and the loss depends on it: all three."""
    assert drawn(RULE, check(use())).severity == "error"
    assert "round" in drawn(RULE, check(use(gradient="zero", blocked_by="Round"))).detail
    quiet(RULE, check(use(gradient="some")))
    quiet(RULE, check(use(held=False)))
    quiet(RULE, check(use(moved=True)))
    quiet(RULE, check(use(gradient="zero", takes_part=False)))
    assert drawn(RULE, check(use(takes_part=False))).severity == "note"
    assert "NaN" in open_(RULE, check(steps=0))
