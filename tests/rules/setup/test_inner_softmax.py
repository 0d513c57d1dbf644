"""A softmax between layers, however it is written; not attention, memories, samples or outputs."""

from collections.abc import Callable
from typing import Any

import pytest
from torch import Tensor, nn
from torch.nn import functional

from tests.looking import findings
from tests.rules.setup.digits import Written, mlp, on_digits

RULE = "inner-softmax"


class Module(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.softmax(-1)


class ByHand(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        grown = (x - x.amax(-1, keepdim=True)).exp()
        return grown / grown.sum(-1, keepdim=True)


class Across(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.softmax(0)


class Logarithms(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.log_softmax(-1)


@pytest.mark.parametrize("activation", [Module, ByHand])
def test_a_softmax_between_layers(activation: type[nn.Module]) -> None:
    found = findings(on_digits(lambda: mlp(activation)))[RULE]
    assert found.severity in {"warning", "error"}
    assert [one.module for one in found.locations] == ["2", "4"]
    assert "32 values that sum to 1" in found.title
    assert found.fixes == ("replace-activation", "remove-softmax")


def test_over_channels_and_flattened() -> None:
    def model() -> nn.Module:
        layers = nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 4, 3), nn.Softmax2d(), nn.Flatten(), nn.Linear(144, 10)
        return nn.Sequential(*layers)

    assert findings(on_digits(model))[RULE].locations[0].module == "4"


def test_across_the_batch_is_an_error() -> None:
    found = findings(on_digits(lambda: mlp(Across)))
    assert found[RULE].severity == "error"
    assert "examples of the batch" in found[RULE].title
    assert "constant-output" not in found


def test_logarithms_are_a_note() -> None:
    assert findings(on_digits(lambda: mlp(Logarithms)))[RULE].severity == "note"


def attention_pooling() -> nn.Module:
    def forward(own: Any, x: Tensor) -> Any:
        hidden = own.embed(x.reshape(-1, 8, 8))
        return own.head((own.score(hidden).softmax(1) * hidden).sum(1))

    return Written(forward, embed=nn.Linear(8, 16), score=nn.Linear(16, 1), head=nn.Linear(16, 10))


def learned_memory() -> nn.Module:
    def forward(own: Any, x: Tensor) -> Any:
        return own.head((own.query(x) @ own.keys.weight.T).softmax(-1) @ own.values.weight)

    modules = {"query": nn.Linear(64, 8), "keys": nn.Embedding(16, 8), "values": nn.Embedding(16, 8)}
    return Written(forward, head=nn.Linear(8, 10), **modules)


def gumbel() -> nn.Module:
    def forward(own: Any, x: Tensor) -> Any:
        return own.decode(functional.gumbel_softmax(own.encode(x)))

    return Written(forward, encode=nn.Linear(64, 16), decode=nn.Linear(16, 10))


def coarse_to_fine() -> nn.Module:
    def forward(own: Any, x: Tensor) -> Any:
        coarse = own.coarse(x)
        return coarse + own.fine(coarse.softmax(-1))

    return Written(forward, coarse=nn.Linear(64, 10), fine=nn.Linear(10, 10))


def normed() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 32), nn.Softmax(1), nn.BatchNorm1d(32), nn.Linear(32, 10))


def unit_length() -> nn.Module:
    def forward(own: Any, x: Tensor) -> Any:
        return own.head(functional.normalize(own.embed(x), dim=-1))

    return Written(forward, embed=nn.Linear(64, 16), head=nn.Linear(16, 10))


@pytest.mark.parametrize("model", [attention_pooling, learned_memory, gumbel, coarse_to_fine, normed, unit_length])
def test_sound_uses(model: Callable[[], nn.Module]) -> None:
    assert RULE not in findings(on_digits(model))


def test_at_the_output() -> None:
    def squared_error(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return functional.mse_loss(model(batch[0]), functional.one_hot(batch[1], 10).float())

    model: Callable[[], nn.Module] = lambda: nn.Sequential(mlp(), nn.Softmax(1))  # noqa: E731
    assert RULE not in findings(on_digits(model, loss=squared_error))
