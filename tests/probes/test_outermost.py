"""Outermost calls, exchanges of what enters them, and what their outputs make of it."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from trainsense.probes.example_dependence import spread_along
from trainsense.probes.input_dependence import gradient_from_others, input_gradient, largest_output_change
from trainsense.probes.outermost import distinct_rows, outermost_calls, output_change, rows_differ

X = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))


class Inner(nn.Module):
    """Calls itself once, so that only one call is the outermost."""

    def __init__(self) -> None:
        super().__init__()
        self.net, self.drop = nn.Linear(4, 3), nn.Dropout(0.5)

    def forward(self, x: Tensor, *, again: bool = True) -> Any:
        out = self.drop(self.net(x))
        return {"out": out, "twice": self(x, again=False)["out"]} if again else {"out": out}


def loss(model: nn.Module) -> Tensor:
    return model(X)["out"].sum()  # type: ignore[no-any-return]


def test_only_outermost_calls_are_seen_and_nothing_is_changed() -> None:
    model, state = Inner(), torch.get_rng_state()
    before = copy.deepcopy(model.state_dict())
    (call,) = outermost_calls(model, loss)
    assert [tuple(tensor.shape) for _, tensor in call.inputs] == [(6, 4)]
    assert [tuple(tensor.shape) for tensor in call.outputs] == [(6, 3), (6, 3)]
    assert model.training
    assert not model._forward_hooks
    assert not model._forward_pre_hooks
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_exchanges_move_outputs() -> None:
    model = Inner()
    calls = outermost_calls(model, loss)
    assert output_change(calls, outermost_calls(model, loss)) == 0.0
    change, made = largest_output_change(model, loss, calls, calls)
    assert change > 0.1
    assert made == 2
    assert rows_differ(calls)
    assert distinct_rows(calls, 6) == 6
    gradient = input_gradient(model, loss)
    assert gradient is not None
    assert gradient > 0.0


def test_examples_that_see_the_mean() -> None:
    class Centred(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.net(x)
            return out - out.mean(0)

    def total(model: nn.Module) -> Tensor:
        return model(X).sum()  # type: ignore[no-any-return]

    for model, leaks in ((Centred(), True), (nn.Linear(4, 3), False)):
        calls = outermost_calls(model, total)
        spread = spread_along(model, total, calls, (0, 0), 6)
        assert spread is not None
        assert (spread.relative > 1e-3) is leaks
        assert not leaks or abs(spread.others / spread.own - 0.2) < 1e-4  # (1/6) / (5/6)
        share = gradient_from_others(model, total, (0, 0), 6)
        assert share is not None
        assert (share > 0.0) is leaks
