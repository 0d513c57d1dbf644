"""What runs forward and back through each layer."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainsense.probes.layers import LayersSeen, look_into_layers
from trainsense.records.evidence import LayerReading

ROWS = torch.randn(96, 8, generator=torch.Generator().manual_seed(0))
IMAGES = ROWS.reshape(12, 1, 8, 8)
WORDS = torch.arange(40).reshape(8, 5) % 7


def loss(model: nn.Module, batch: Tensor) -> Tensor:
    """Return a loss that any output has."""
    output = model(batch)
    return (output if isinstance(output, Tensor) else output[0]).square().mean()


def seen(model: nn.Module, *batches: Tensor) -> LayersSeen:
    """Look at a model."""
    return look_into_layers(model, loss, batches or (ROWS[:48], ROWS[48:]))


def by_name(model: nn.Module, *batches: Tensor) -> dict[str, LayerReading]:
    """Return the readings by parameter."""
    return {one.parameter: one for one in seen(model, *batches).readings}


def test_the_figures_are_those_of_plain_code() -> None:
    """Gradient, weight and output, on one batch."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
    first = by_name(model, ROWS)["0.weight"]
    layer = model[0]
    assert isinstance(layer, nn.Linear)
    loss(model, ROWS).backward()  # type: ignore[no-untyped-call]
    given = layer(ROWS).detach()
    assert layer.weight.grad is not None
    assert first.gradient_norm == pytest.approx(float(layer.weight.grad.norm()), rel=1e-4)
    assert first.weight_norm == pytest.approx(float(layer.weight.detach().norm()), rel=1e-4)
    assert first.output_rms == pytest.approx(float(given.square().mean().sqrt()), rel=1e-4)
    assert first.output_spread == pytest.approx(float(given.var(0, unbiased=False).mean().sqrt()), rel=1e-4)
    assert first.input_rms == pytest.approx(float(ROWS.square().mean().sqrt()), rel=1e-4)
    assert (first.activation, first.units, first.on_chain, first.last) == ("Relu", 16, True, False)


def test_the_output_gradient_is_that_of_what_the_model_returns() -> None:
    """Of a mean of squares: twice the output over its size."""
    model = nn.Linear(8, 4)
    output = model(ROWS).detach()
    assert seen(model, ROWS).output_gradient == pytest.approx(float((2 * output / output.numel()).norm()), rel=1e-4)


class Functional(nn.Module):
    """Three weights without layers: a product, an einsum, a convolution's cousin."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.randn(8, 16) * 0.3)
        self.second = nn.Parameter(torch.randn(16, 16) * 0.3)
        self.bias = nn.Parameter(torch.zeros(16))

    def forward(self, x: Tensor) -> Tensor:
        """Apply them."""
        hidden = functional.relu(x @ self.first + self.bias)
        return torch.einsum("bi,io->bo", hidden, self.second)


def test_functional_code_is_seen() -> None:
    """Weights without modules, with the activation behind them and its dead units."""
    torch.manual_seed(0)
    model = Functional()
    model.bias.data[:4] = -100.0
    readings = by_name(model)
    assert list(readings) == ["first", "second"]
    assert readings["first"].activation == "Relu"
    assert readings["first"].dead == pytest.approx(0.25)
    assert readings["first"].units == 16
    assert readings["second"].last


def test_dead_channels_of_a_convolution() -> None:
    """Whether the activation comes at once, behind a norm, or behind a pooling."""
    for between in (nn.Identity(), nn.MaxPool2d(2), nn.Dropout(0.5)):
        model = nn.Sequential(nn.Conv2d(1, 8, 3), between, nn.ReLU(inplace=True), nn.Flatten(), nn.LazyLinear(3))
        model(IMAGES)
        convolution = model[0]
        assert isinstance(convolution, nn.Conv2d)
        assert convolution.bias is not None
        convolution.bias.data[:6] = -50.0
        reading = by_name(model, IMAGES)["0.weight"]
        assert reading.dead == pytest.approx(0.75)
        assert reading.kind == "convolution"


@pytest.mark.parametrize(("activation", "dead"), [(nn.GELU(), 1.0), (nn.SiLU(), 1.0), (nn.LeakyReLU(), None)])
def test_smooth_units_die_where_they_are_flat(activation: nn.Module, dead: float | None) -> None:
    """At -50 nothing comes out and no gradient comes back; leaky ones go on."""
    model = nn.Sequential(nn.Linear(8, 8), activation, nn.Linear(8, 2))
    nn.init.constant_(model[0].bias, -50.0)  # type: ignore[arg-type]
    assert by_name(model)["0.weight"].dead == dead


def test_zeros_of_a_smooth_activation_that_still_learns_are_not_dead() -> None:
    """GELU of zero is zero with a slope of one half."""
    model = nn.Sequential(nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 2))
    nn.init.zeros_(model[0].weight)  # type: ignore[arg-type]
    nn.init.zeros_(model[0].bias)  # type: ignore[arg-type]
    assert by_name(model)["0.weight"].dead == 0.0


def test_saturation_of_hidden_units_only() -> None:
    """Behind a large layer nearly all of a tanh; none of an output's sigmoid, of gates, of a recurrent layer."""
    model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1), nn.Sigmoid())
    nn.init.normal_(model[0].weight, std=30.0)  # type: ignore[arg-type]
    readings = by_name(model)
    assert (readings["0.weight"].saturated or 0.0) > 0.9
    assert readings["2.weight"].saturated is None

    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gate, self.value, self.head = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 2)

        def forward(self, x: Tensor) -> Any:
            return self.head(torch.sigmoid(self.gate(x)) * self.value(x))

    assert by_name(Gated())["gate.weight"].saturated is None


def test_tied_weights_and_shared_modules_are_one_layer() -> None:
    """All their uses together."""
    shared = nn.Linear(8, 8)
    readings = seen(nn.Sequential(shared, nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), shared), ROWS).readings
    assert [one.parameter for one in readings] == ["0.weight", "2.weight"]

    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(7, 6)
            self.hidden = nn.Linear(6, 6)

        def forward(self, x: Tensor) -> Any:
            return self.hidden(self.words(x)) @ self.words.weight.T

    tied = seen(Tied(), WORDS).readings
    assert [(one.parameter, one.kind) for one in tied] == [("words.weight", "embedding"), ("hidden.weight", "linear")]


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_layers_through_time(kind: Any) -> None:
    """A gradient that comes in at the last step fades on its way to the first."""

    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.cells = nn.Embedding(7, 6), kind(6, 8, batch_first=True)

        def forward(self, x: Tensor) -> Any:
            return self.cells(self.words(x))[0][:, -1]

    torch.manual_seed(0)
    readings = by_name(Recurrent(), WORDS)
    hidden = readings["cells.weight_hh_l0"]
    assert hidden.kind == "recurrent"
    assert hidden.time_ratio is not None
    assert 0.0 < hidden.time_ratio < 0.5
    assert hidden.saturated is None
    assert readings["words.weight"].kind == "embedding"


def test_identical_units() -> None:
    """Constant weights throughout; not a constant layer that different weights read."""
    model = nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 1))
    assert by_name(model)["0.weight"].identical == 0.0
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.1)
    assert by_name(model)["0.weight"].identical == 1.0
    nn.init.normal_(model[2].weight)  # type: ignore[arg-type]
    assert by_name(model)["0.weight"].identical == 0.0


def test_nothing_is_changed() -> None:
    """Weights, buffers, gradients, modes, hooks, and the batch."""
    model = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))
    before = copy.deepcopy(model.state_dict())
    rows = ROWS.clone()
    state = torch.get_rng_state()
    seen(model)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(one.grad is None for one in model.parameters())
    assert all(module.training and not module._forward_hooks for module in model.modules())
    assert torch.equal(rows, ROWS)
    assert torch.equal(state, torch.get_rng_state())


class Squared(torch.autograd.Function):
    """A function of the user's own."""

    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor) -> Tensor:
        """Multiply."""
        context.save_for_backward(x, weight)
        return x @ weight

    @staticmethod
    def backward(context: Any, *gradients: Any) -> Any:
        """Multiply back."""
        x, weight = context.saved_tensors
        return gradients[0] @ weight.T, x.T @ gradients[0]


def test_what_cannot_be_seen_is_said() -> None:
    """A custom function hides what it does; the layers around it are still looked at."""

    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.head = nn.Parameter(torch.randn(8, 8)), nn.Linear(8, 2)

        def forward(self, x: Tensor) -> Any:
            return self.head(functional.relu(Squared.apply(x, self.weight)))  # type: ignore[no-untyped-call]

    looked = seen(Own())
    assert looked.opaque == ("Squared",)
    assert [one.parameter for one in looked.readings] == ["head.weight"]


def test_a_model_that_works_in_training_mode_alone() -> None:
    """Detection models return something else in evaluation mode."""

    class Moody(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(8, 2)

        def forward(self, x: Tensor) -> Any:
            return self.head(x) if self.training else "predictions"

    assert len(seen(Moody()).readings) == 1


def test_norms_and_output_layers_are_told() -> None:
    """Behind a norm the scale does not count; nothing reads the last layer."""
    model = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    readings = by_name(model)
    assert [one.normed for one in readings.values()] == [True, False, False]
    assert [one.last for one in readings.values()] == [False, False, True]


def test_the_line_is_that_of_the_users_code() -> None:
    """Where forward applies the weight."""
    reading = by_name(Functional())["second"]
    assert Path(reading.file).resolve() == Path(__file__)
    assert reading.line is not None
