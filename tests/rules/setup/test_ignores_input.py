"""Outputs that inputs do not reach; not outputs that move little, nor constant ones with a reason of their own."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.looking import findings, judgements_on
from tests.rules.setup.digits import Written, mlp, on_digits
from trainsense.records.evidence import InputDependence, LayerReading, LayerSnapshot, LayerStatistics
from trainsense.records.finding import Finding, NotAssessed, Passed
from trainsense.rules.setup.ignores_input import judge

RULE = "ignores-input"
Forward = Callable[[Any, Tensor], Tensor]


@pytest.mark.parametrize(
    "forward",
    [
        lambda own, x: own.net(torch.zeros_like(x)),
        lambda own, x: own.net(torch.randn_like(x)),
        lambda own, x: own.net(0 * x),
        lambda own, x: own.net(own.learned.weight.expand(len(x), -1)),
    ],
)
def test_inputs_do_not_get_through(forward: Forward) -> None:
    found = findings(on_digits(lambda: Written(forward, net=mlp(), learned=nn.Embedding(1, 64))))[RULE]
    assert found.severity == "error"


def test_tokens_that_are_overwritten() -> None:
    def model() -> nn.Module:
        return Written(lambda own, x: own.embed(torch.zeros_like(x)).mean(1), embed=nn.Embedding(9, 5))

    tokens = [(torch.randint(9, (16, 7)), torch.randint(5, (16,))) for _ in range(3)]
    assert findings(on_digits(model, data=lambda: tokens))[RULE].severity == "error"


def zero_head() -> nn.Module:
    model = mlp()
    nn.init.zeros_(model[-1].weight)  # type: ignore[index]
    return model


@pytest.mark.parametrize("lr", [1e-3, 1e-8])
def test_a_head_that_starts_at_zero(lr: float) -> None:
    assert RULE not in findings(on_digits(zero_head, lr=lr))


def test_a_bias_that_outweighs_everything() -> None:
    def model() -> nn.Module:
        net = mlp()
        nn.init.constant_(net[-1].bias, 1e4)  # type: ignore[index]
        return net

    assert RULE not in findings(on_digits(model))


def test_a_loss_that_calls_a_part_of_the_model_is_not_assessed() -> None:
    def loss(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
        return nn.functional.cross_entropy(model.net(batch[0]), batch[1])

    said = judgements_on(on_digits(lambda: Written(lambda own, x: own.net(x), net=mlp()), loss=loss))
    assert isinstance(said[RULE], NotAssessed)
    assert isinstance(said["example-leak"], NotAssessed)


def reading(**changes: Any) -> LayerReading:
    fields: dict[str, Any] = {"parameter": "0.weight", "module": "0", "kind": "linear", "depth": 0, "size": 9}
    return LayerReading(**{**fields, "weight_norm": 1.0, **changes})


def statistics(*layers: LayerReading) -> LayerStatistics:
    shot = LayerSnapshot(step=0, loss=1.0, output_gradient=None, layers=layers)
    return LayerStatistics(lr=0.1, examples=8, snapshots=(shot,))


def test_judgement() -> None:
    nothing = InputDependence(exchanges=3, largest_change=0.0, input_gradient=0.0, batches=2)
    assert isinstance(judge(nothing, None), Finding)
    assert isinstance(judge(nothing, statistics(reading(dead=0.5))), Finding)
    assert isinstance(judge(nothing, statistics(reading(dead=1.0))), NotAssessed)
    vanished = statistics(reading(gradient_norm=1e-9), reading(gradient_norm=1.0))
    assert isinstance(judge(nothing, vanished), NotAssessed)
    tiny = InputDependence(exchanges=3, largest_change=0.0, input_gradient=1e-12, batches=2)
    assert isinstance(judge(tiny, None), Passed)
