"""After reinitialize every weight has the spread that what follows it asks for."""

import math
from collections.abc import Callable
from typing import Any, Final

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.workload.edits.architectures import FunctionalNet, MLPBlock, SharedTwice, TorchLM
from tests.workload.edits.planning import made, refused

NAME: Final = "reinitialize"
WIDE: Final = 200
"""Layers of this width give standard deviations within 2 %."""


def spread(parameter: Tensor) -> float:
    return float(parameter.detach().std())


def he(inputs: int, gain: float = math.sqrt(2)) -> float:
    return gain / math.sqrt(inputs)


def glorot(inputs: int, outputs: int, gain: float = 1.0) -> float:
    return gain * math.sqrt(2 / (inputs + outputs))


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        (nn.ReLU(), he(WIDE)),
        (nn.GELU(), he(WIDE)),
        (nn.SiLU(), he(WIDE)),
        (nn.ELU(), he(WIDE)),
        (nn.Softplus(), he(WIDE)),
        (nn.Mish(), he(WIDE)),
        (nn.LeakyReLU(0.5), he(WIDE, math.sqrt(2 / 1.25))),
        (nn.SELU(), he(WIDE, 1.0)),
        (nn.Tanh(), glorot(WIDE, 2 * WIDE, 5 / 3)),
        (nn.Sigmoid(), glorot(WIDE, 2 * WIDE)),
        (nn.Softmax(-1), glorot(WIDE, 2 * WIDE)),
        (nn.Identity(), glorot(WIDE, 2 * WIDE)),
    ],
)
@pytest.mark.parametrize("between", [nn.Identity, lambda: nn.LayerNorm(2 * WIDE), lambda: nn.Dropout(0.1)])
def test_the_activation_decides(activation: nn.Module, expected: float, between: Callable[[], nn.Module]) -> None:
    model: Any = nn.Sequential(nn.Linear(WIDE, 2 * WIDE), between(), activation, nn.Linear(2 * WIDE, 1))
    with torch.no_grad():
        model[0].weight.mul_(100)
    changes = made(NAME, model, torch.randn(3, WIDE))
    assert set(changes) == {"0.weight", "0.bias", "3.weight", "3.bias"}
    assert spread(model[0].weight) == pytest.approx(expected, rel=0.02)
    assert not bool(model[0].bias.count_nonzero())
    assert float(model[0].weight.detach().mean()) == pytest.approx(0, abs=0.01 * expected)


def test_convolutions() -> None:
    model: Any = nn.Sequential(
        nn.Conv2d(3, 64, 5, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(64, 64, 3, groups=4),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 3),
        nn.Tanh(),
        nn.ConvTranspose2d(32, 64, 3),
        nn.ReLU(),
    )
    made(NAME, model, torch.randn(2, 3, 12, 12))
    assert spread(model[0].weight) == pytest.approx(he(3 * 25), rel=0.05)
    assert spread(model[4].weight) == pytest.approx(he(16 * 9), rel=0.05)
    assert spread(model[6].weight) == pytest.approx(glorot(64 * 9, 32 * 9, 5 / 3), rel=0.05)
    assert spread(model[8].weight) == pytest.approx(he(32 * 9), rel=0.05)
    assert torch.equal(model[1].weight, torch.ones(64))


def test_a_weight_that_is_applied_the_other_way_round() -> None:
    class Turned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.bias = nn.Parameter(torch.randn(WIDE, 2 * WIDE)), nn.Parameter(torch.ones(2 * WIDE))

        def forward(self, x: Tensor) -> Any:
            return torch.relu(torch.addmm(self.bias, x, self.weight))

    model: Any = Turned()
    made(NAME, model, torch.randn(3, WIDE))
    assert spread(model.weight) == pytest.approx(he(WIDE), rel=0.02)
    assert not bool(model.bias.count_nonzero())


def test_functional_code() -> None:
    model: Any = FunctionalNet()
    assert set(made(NAME, model, torch.randn(8, 3))) == {"w1", "w2", "w3", "bias"}


def test_the_last_layer_of_a_branch_is_followed_by_a_sum() -> None:
    model: Any = nn.Sequential(MLPBlock(WIDE), nn.ReLU(), nn.Linear(WIDE, 1))
    made(NAME, model, torch.randn(3, WIDE))
    assert spread(model[0].fc2.weight) == pytest.approx(glorot(10, WIDE), rel=0.05)
    assert spread(model[0].fc1.weight) == pytest.approx(glorot(WIDE, 10, 5 / 3), rel=0.05)


def test_a_transformer_keeps_its_embeddings_positions_and_norms() -> None:
    model: Any = TorchLM()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    changes = made(NAME, model, torch.randint(11, (3, 5)))
    kept = {name for name, parameter in model.named_parameters() if torch.equal(parameter, before[name])}
    assert {"tokens.weight", "positions"} <= kept
    assert kept - {"tokens.weight", "positions"} == {
        name for name in before if "norm" in name or name.endswith(("in_proj_bias", "out_proj.bias"))
    }
    assert {"encoder.layers.0.self_attn.in_proj_weight", "encoder.layers.1.linear1.bias", "head.weight"} <= set(changes)


def test_biases_that_are_added_by_themselves() -> None:
    model: Any = nn.Sequential(nn.Linear(4, 6), nn.ReLU())
    columns = torch.randn(4, 5, 3).transpose(0, 2)
    assert set(made(NAME, model, columns)) == {"0.weight", "0.bias"}
    assert not bool(model[0].bias.count_nonzero())


def test_positions_behind_a_layer_stay() -> None:
    class Patches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.positions = nn.Linear(4, 6), nn.Parameter(torch.randn(5, 6))

        def forward(self, x: Tensor) -> Any:
            return torch.relu(self.layer(x) + self.positions)

    assert set(made(NAME, Patches(), torch.randn(3, 5, 4))) == {"layer.weight", "layer.bias"}


def test_an_output_layer_that_is_the_embedding_stays() -> None:
    changes = made(NAME, SharedTwice(), torch.randint(11, (3, 5)))
    assert set(changes) == {"block.fc1.weight", "block.fc1.bias", "block.fc2.weight", "block.fc2.bias"}


def test_recurrent_layers() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.gru, self.cell = nn.LSTM(64, 32, 2), nn.GRU(32, 32), nn.RNNCell(32, 32)

        def forward(self, x: Tensor) -> Any:
            return self.cell(self.gru(self.lstm(x)[0])[0][-1])

    model: Any = Net()
    assert set(made(NAME, model, torch.randn(5, 2, 64))) == {name for name, _ in model.named_parameters()}
    weight = model.lstm.weight_hh_l1
    assert torch.allclose(weight.T @ weight, torch.eye(32), atol=1e-5)
    assert spread(model.lstm.weight_ih_l0) == pytest.approx(glorot(64, 128), rel=0.05)
    forget = torch.zeros(128)
    forget[32:64] = 1
    assert torch.equal(model.lstm.bias_ih_l0, forget)
    assert not any(
        bool(bias.count_nonzero()) for bias in (model.lstm.bias_hh_l0, model.gru.bias_ih_l0, model.cell.bias_hh)
    )
    assert torch.allclose(model.cell.weight_hh.T @ model.cell.weight_hh, torch.eye(32), atol=1e-5)


@pytest.mark.parametrize("norm", [nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.spectral_norm])
def test_normalised_weights_stay(norm: Callable[[nn.Module], nn.Module]) -> None:
    model: Any = nn.Sequential(norm(nn.Linear(4, 4)), nn.ReLU(), nn.Linear(4, 1))
    assert set(made(NAME, model, torch.randn(3, 4))) == {"0.bias", "2.weight", "2.bias"}


def test_packed_and_cross_attention() -> None:
    class Cross(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(64, 2)

        def forward(self, x: Tensor) -> Any:
            return self.attention(x, x.flip(0), x.flip(0))[0]

    model: Any = Cross()
    with torch.no_grad():
        model.attention.in_proj_bias.fill_(1)
    assert len(made(NAME, model, torch.randn(5, 3, 64))) == 4
    assert spread(model.attention.in_proj_weight) == pytest.approx(glorot(64, 192), rel=0.05)
    assert not bool(model.attention.in_proj_bias.count_nonzero())


def test_frozen_weights_stay() -> None:
    model: Any = nn.Sequential(nn.Linear(4, 4).requires_grad_(requires_grad=False), nn.ReLU(), nn.Linear(4, 1))
    assert set(made(NAME, model, torch.randn(3, 4))) == {"2.weight", "2.bias"}


def test_a_model_without_such_weights() -> None:
    class Scaling(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(4))

        def forward(self, x: Tensor) -> Any:
            return functional.layer_norm(x * self.scale, (4,))

    assert "No weight" in refused(NAME, Scaling(), torch.randn(3, 4))
    assert "No weight" in refused(NAME, nn.Sequential(nn.Embedding(5, 4), nn.LayerNorm(4)), torch.randint(5, (3,)))


def test_it_draws_from_the_generator_that_the_caller_seeds() -> None:
    models: list[Any] = [nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1)) for _ in range(3)]
    one, other, third = models
    batch = torch.randn(3, 4)
    made(NAME, one, batch)
    made(NAME, other, batch)
    assert torch.equal(one[0].weight, other[0].weight)
    assert not torch.equal(one[0].weight, third[0].weight)
