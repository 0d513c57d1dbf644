"""Outputs that cannot differ between examples; not those that merely start out equal."""

from collections.abc import Callable

import pytest
from torch import Tensor, nn
from torch.nn import functional

from tests.looking import findings
from tests.rules.setup.digits import batches, even, mlp, on_digits, rows
from tests.rules.setup.test_inner_softmax import ByHand
from trainsense.records.evidence import ConstantOutput
from trainsense.records.finding import Finding, Passed
from trainsense.rules.setup.constant_output import judge

RULE = "constant-output"


def on_probability(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return functional.binary_cross_entropy(model(batch[0])[:, 0].clamp(1e-6, 1 - 1e-6), even(batch))


def squared(change: Callable[[Tensor], Tensor]) -> Callable[[nn.Module, tuple[Tensor, Tensor]], Tensor]:
    return lambda model, batch: functional.mse_loss(change(model(batch[0])[:, 0]), even(batch))


def single_class(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return functional.cross_entropy(model(batch[0]), 0 * batch[1])


FAULTS = {
    "softmax over one": (lambda: nn.Sequential(mlp(outputs=1), nn.Softmax(1)), on_probability),
    "softmax by hand over one": (lambda: nn.Sequential(mlp(outputs=1), ByHand()), on_probability),
    "cross-entropy over one": (lambda: mlp(outputs=1), single_class),
    "layer norm over one": (lambda: nn.Sequential(mlp(outputs=1), nn.LayerNorm(1)), squared(lambda x: x)),
    "sign": (lambda: mlp(outputs=1), squared(lambda x: x.sign())),
    "round": (lambda: mlp(outputs=1), squared(lambda x: x.sigmoid().round())),
    "clamped": (lambda: mlp(outputs=1), squared(lambda x: (0.1 * x - 5).clamp(0, 1))),
}


@pytest.mark.parametrize("name", FAULTS)
def test_nothing_comes_through(name: str) -> None:
    model, loss = FAULTS[name]
    found = findings(on_digits(model, loss=loss))[RULE]
    assert found.severity == "error"


def zero_head() -> nn.Module:
    model = mlp()
    nn.init.zeros_(model[-1].weight)  # type: ignore[index]
    nn.init.zeros_(model[-1].bias)  # type: ignore[index]
    return model


class StraightThrough(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + (x.sign() - x).detach()


class OnePosition(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention, self.head = nn.MultiheadAttention(64, 4, batch_first=True), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, None]
        out: Tensor = self.head((x + self.attention(x, x, x)[0])[:, 0])
        return out


def dead() -> nn.Module:
    model = mlp()
    nn.init.constant_(model[0].bias, -100.0)  # type: ignore[index]
    return model


@pytest.mark.parametrize("model", [zero_head, lambda: mlp(StraightThrough), OnePosition, dead])
def test_outputs_that_may_differ(model: Callable[[], nn.Module]) -> None:
    assert RULE not in findings(on_digits(model))


def test_one_channel_with_a_sigmoid() -> None:
    def loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return functional.binary_cross_entropy_with_logits(model(batch[0]), (batch[0] > 0).float())

    data = batches(lambda x: rows(x)[:, None])
    assert RULE not in findings(on_digits(lambda: nn.Conv2d(1, 1, 3, padding=1), data=data, loss=loss))


def test_judgement_without_a_culprit() -> None:
    facts = {"operations": (), "blocked": False, "inputs_differ": True, "batches": 2}
    assert isinstance(judge(ConstantOutput(gradient_norm=0.0, output_spread=0.0, **facts), None), Finding)  # type: ignore[arg-type]
    assert isinstance(judge(ConstantOutput(gradient_norm=0.1, output_spread=0.0, **facts), None), Passed)  # type: ignore[arg-type]
    assert isinstance(judge(ConstantOutput(gradient_norm=0.0, output_spread=0.1, **facts), None), Passed)  # type: ignore[arg-type]
