"""What nothing can learn; not what is slow, noisy, small or has another scale."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.looking import findings
from tests.rules.setup.digits import Written, cross_entropy, mlp, on_digits
from trainsense.records.evidence import BatchOverfit, InputDependence, OverfitAttempt
from trainsense.records.finding import Finding, NotAssessed, Passed
from trainsense.rules.setup.cannot_overfit_batch import judge

RULE = "cannot-overfit-batch"


class Flipped(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.relu()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (x,) = ctx.saved_tensors
        return -gradients[0] * (x > 0)


class FlippedReLU(nn.Module):
    def forward(self, x: Tensor) -> Any:
        return Flipped.apply(x)  # type: ignore[no-untyped-call]


def test_a_backward_of_the_wrong_sign() -> None:
    found = findings(on_digits(lambda: mlp(FlippedReLU)))[RULE]
    assert found.severity == "error"
    assert {one.module for one in found.locations} >= {"2.weight"}


def test_a_loss_of_the_wrong_sign() -> None:
    found = findings(on_digits(loss=lambda model, batch: -cross_entropy(model, batch)))[RULE]
    assert found.severity == "error"
    assert "rewards errors" in found.title


def drawn_anew(own: Any, x: Tensor) -> Tensor:
    with torch.no_grad():
        own.head.reset_parameters()
        own.layer.reset_parameters()
    return own.head(own.layer(x).relu())  # type: ignore[no-any-return]


def test_weights_drawn_at_each_call() -> None:
    model: Callable[[], nn.Module] = lambda: Written(drawn_anew, layer=nn.Linear(64, 32), head=nn.Linear(32, 10))  # noqa: E731
    assert findings(on_digits(model))[RULE].severity == "error"


def test_labels_that_lost_their_inputs() -> None:
    def loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return functional.cross_entropy(model(batch[0]), batch[1][torch.randperm(len(batch[1]))])

    assert findings(on_digits(loss=loss))[RULE].severity == "error"


def drawn(rows: int, features: int, target: Callable[[Tensor], Tensor]) -> Callable[[], Iterator[Any]]:
    def data() -> Iterator[Any]:
        for _ in range(3):
            x = torch.randn(rows, features)
            yield x, target(x)

    return data


def squared_error(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return functional.mse_loss(model(batch[0]), batch[1])


@pytest.mark.parametrize(
    "target",
    [
        lambda x: torch.randn(len(x), 1),
        lambda x: 1e4 * (2 + x.sum(1, keepdim=True).sin()),
        lambda x: torch.ones(len(x), 1),
    ],
)
def test_targets_of_noise_of_another_scale_and_constant(target: Callable[[Tensor], Tensor]) -> None:
    data = drawn(96, 4, target)
    assert RULE not in findings(on_digits(lambda: nn.Linear(4, 1), data=data, loss=squared_error))


def test_a_batch_of_one() -> None:
    data = drawn(1, 64, lambda x: torch.zeros(1, dtype=torch.long))
    assert RULE not in findings(on_digits(data=data))


class Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return -gradients[0]


def test_gradient_reversal() -> None:
    def forward(own: Any, x: Tensor) -> Any:
        hidden = own.layer(x).relu()
        return own.digit(hidden), own.domain(Reversed.apply(hidden))  # type: ignore[no-untyped-call]

    def loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        digit, domain = model(batch[0])
        return functional.cross_entropy(digit, batch[1]) + functional.cross_entropy(domain, (batch[1] > 4).long())

    def model() -> nn.Module:
        return Written(forward, layer=nn.Linear(64, 32), digit=nn.Linear(32, 10), domain=nn.Linear(32, 2))

    assert RULE not in findings(on_digits(model, loss=loss))


def attempt(**changes: Any) -> OverfitAttempt:
    fields: dict[str, Any] = {
        "optimizer": "Adam",
        "lr": 1e-2,
        "steps": 200,
        "initial_loss": 2.4,
        "loss": 2.3,
        "gap": 0.0,
    }
    return OverfitAttempt(**{**fields, "falling": False, "learnt": False, **changes})


def batch(*attempts: OverfitAttempt, **changes: Any) -> BatchOverfit:
    fields: dict[str, Any] = {"examples": 64, "distinct": 64, "parameters": 5000, "output_spread": 0.5}
    return BatchOverfit(**{**fields, "attempts": attempts or (attempt(), attempt(lr=1e-3)), **changes})


def test_judgement() -> None:
    stuck = batch()
    assert isinstance(judge(stuck, None), Finding)
    assert isinstance(judge(replace(stuck, learnt_by="Adam"), None), Passed)
    for one in (
        batch(attempt(), attempt(gap=0.1)),
        batch(attempt(), attempt(falling=True)),
        batch(attempt(), attempt(steps=20)),
        batch(attempt(), attempt(gap=None)),
        batch(attempt(), attempt(failed="nan")),
        batch(distinct=4),
        batch(examples=1),
        batch(output_spread=1e-5),
    ):
        assert isinstance(judge(one, None), NotAssessed), one
    ignored = InputDependence(exchanges=3, largest_change=0.0, input_gradient=0.0, batches=2)
    assert isinstance(judge(batch(output_spread=0.0), ignored), Finding)
