"""What one look at a model shows."""

import copy
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from trainsense.probes.architecture import HiddenPartsError, Structure, structure
from trainsense.probes.structure import shown

X = torch.randn(16, 8, generator=torch.Generator().manual_seed(0))


def seen(model: nn.Module, x: Tensor = X) -> Structure:
    return structure(model.train(), lambda one: one(x).square().mean(), len(x))


def depth(model: nn.Module, x: Tensor = X) -> int:
    stack = seen(model, x).stack
    return 0 if stack is None else stack.depth


class By(nn.Module):
    """A model by a function of its layers."""

    def __init__(self, layers: list[nn.Module], forward: Callable[[Any, Tensor], Tensor]) -> None:
        super().__init__()
        self.layers, self.by = nn.ModuleList(layers), forward

    def forward(self, x: Tensor) -> Tensor:
        return self.by(self.layers, x)


def in_a_row(layers: Any, x: Tensor) -> Tensor:
    for one in layers:
        x = torch.relu(one(x))
    return x


def dense(layers: Any, x: Tensor) -> Tensor:
    for one in layers:
        x = torch.cat([x, torch.relu(one(x))], 1)
    return x


def gated(layers: Any, x: Tensor) -> Tensor:
    for one in layers:
        gate = torch.sigmoid(one(x))
        x = gate * torch.tanh(x) + (1 - gate) * x
    return x


def again(layers: Any, x: Tensor) -> Tensor:
    for _ in range(6):
        x = torch.tanh(layers[0](x))
    return x


def through_time(layers: Any, x: Tensor) -> Tensor:
    state = torch.zeros(len(x), 8)
    for index in range(5):
        state = layers[0](x * index, state)
    return torch.relu(layers[1](state))


@pytest.mark.parametrize(
    ("layers", "forward", "expected"),
    [
        ([nn.Linear(8, 8) for _ in range(7)], in_a_row, 7),
        ([nn.Linear(8 + 4 * index, 4) for index in range(5)], dense, 1),
        ([nn.Linear(8, 8) for _ in range(5)], gated, 1),
        ([nn.Linear(8, 8)], again, 1),
        ([nn.RNNCell(8, 8), nn.Linear(8, 2)], through_time, 2),
    ],
    ids=["plain", "dense", "gated", "shared weights", "recurrent"],
)
def test_plain_layers_are_those_that_nothing_leads_around(
    layers: list[nn.Module], forward: Callable[[Any, Tensor], Tensor], expected: int
) -> None:
    """Weights that are applied again and again count once."""
    assert depth(By(layers, forward)) == expected


def test_contributions_are_measured() -> None:
    """Branch over stream, whichever stands first."""

    class Doubling(nn.Module):
        def __init__(self, *, swapped: bool) -> None:
            super().__init__()
            self.linear, self.swapped = nn.Linear(8, 8, bias=False), swapped
            with torch.no_grad():
                self.linear.weight.copy_(3.0 * torch.eye(8))

        def forward(self, x: Tensor) -> Any:
            return self.linear(x) + x if self.swapped else x + self.linear(x)

    for swapped in (True, False):
        (one,) = seen(Doubling(swapped=swapped)).sums
        assert one.contribution == pytest.approx(3.0, rel=1e-5)
        assert one.growth == pytest.approx(math.sqrt(10.0), rel=1e-5)
        assert one.branch_end == "linear.weight"
        assert one.location.file == shown(__file__)


def test_streams_are_told_apart() -> None:
    """Encoder and decoder of a transformer have one each."""
    model = nn.Transformer(8, 2, 2, 3, 16, dropout=0.0, batch_first=True)
    words = torch.randn(4, 5, 8)
    found = structure(model.train(), lambda one: one(words, words).square().mean(), 4)
    assert [one.placement for one in found.sums] == ["post-norm"] * len(found.sums)
    assert sorted(_rows(found)) == [4, 9]


def _rows(found: Structure) -> list[int]:
    rows: dict[int, int] = {}
    for position, one in enumerate(found.sums):
        rows[position] = 1 + (rows.pop(one.follows) if one.follows is not None else 0)
    return list(rows.values())


def test_looking_leaves_the_model_alone() -> None:
    """Weights, buffers, gradients and mode are as before."""
    model = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    before = copy.deepcopy(model.state_dict())
    found = seen(model)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(one.grad is None for one in model.parameters())
    assert [(one.module, one.examples, one.values) for one in found.batch_norms] == [("1", 16, 16)]


def test_positions_that_are_alike_count_less() -> None:
    """Images of one colour are one value each; noise is as many as it has pixels."""
    model = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(48, 2))
    generator = torch.Generator().manual_seed(0)
    colours = torch.randn(4, 3, 1, 1, generator=generator).expand(4, 3, 4, 4).clone()
    assert seen(model, colours).batch_norms[0].independent == pytest.approx(4.0)
    assert seen(model, torch.randn(4, 3, 4, 4, generator=generator)).batch_norms[0].independent > 30.0


def test_hidden_parts_are_refused() -> None:
    """Reentrant checkpoints hide what they hold."""
    model = By([nn.Linear(8, 8)], lambda layers, x: checkpoint(layers[0], x.requires_grad_(), use_reentrant=True))
    with pytest.raises(HiddenPartsError, match="Checkpoint"):
        seen(model, X.clone())
