"""After replace-activation the hidden activations are others, and nothing else is."""

from collections.abc import Callable
from typing import Any, Final

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.workload.edits.architectures import (
    ConvBlock,
    FunctionalNet,
    GatedBlock,
    HandWrittenLSTM,
    MLPBlock,
    Recurrent,
    TorchLM,
    resnet,
)
from tests.workload.edits.planning import made, refused

NAME: Final = "replace-activation"


class Written(nn.Module):
    """Two layers with a function between, and one behind."""

    def __init__(self, between: Callable[[Tensor], Tensor], behind: Callable[[Tensor], Tensor] = torch.sigmoid) -> None:
        super().__init__()
        self.fc1, self.fc2, self.between, self.behind = nn.Linear(3, 4), nn.Linear(4, 1), between, behind

    def forward(self, x: Tensor) -> Any:
        return self.behind(self.fc2(self.between(self.fc1(x))))


@pytest.mark.parametrize("kind", [nn.Sigmoid, nn.Tanh, nn.Hardsigmoid, nn.Hardtanh, nn.Softsign])
def test_saturating_modules_become_relu(kind: type[nn.Module]) -> None:
    model: Any = nn.Sequential(nn.Linear(3, 4), kind(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1), kind())
    assert made(NAME, model, torch.randn(8, 3)) == ("1",)
    assert [type(module) for module in model][1::2] == [nn.ReLU, nn.ReLU, kind]


@pytest.mark.parametrize("kind", [nn.ReLU, nn.ReLU6, lambda: nn.ReLU(inplace=True)])
def test_relu_becomes_gelu_if_nothing_saturates(kind: Callable[[], nn.Module]) -> None:
    model: Any = nn.Sequential(nn.Linear(3, 4), kind(), nn.Linear(4, 4), nn.SiLU(), nn.Linear(4, 1), nn.ReLU())
    assert made(NAME, model, torch.randn(8, 3)) == ("1",)
    assert [type(module) for module in model][1::2] == [nn.GELU, nn.SiLU, nn.ReLU]


@pytest.mark.parametrize(
    "function",
    [
        torch.sigmoid,
        torch.tanh,
        functional.sigmoid,
        functional.tanh,
        functional.hardtanh,
        functional.hardsigmoid,
        lambda x: x.tanh(),
        lambda x: x.sigmoid_(),
        lambda x: functional.hardtanh(input=x, min_val=-2.0),
        lambda x: torch.dropout(torch.tanh(x), 0.0, True),
    ],
)
def test_saturating_functions_become_relu(function: Callable[[Tensor], Tensor]) -> None:
    model: Any = Written(function)
    x = torch.randn(8, 3)
    assert made(NAME, model, x) == ("",)
    assert torch.equal(model(x), torch.sigmoid(model.fc2(torch.relu(model.fc1(x)))))


@pytest.mark.parametrize("function", [torch.relu, functional.relu, functional.relu6, lambda x: x.relu_()])
def test_relu_functions_become_gelu(function: Callable[[Tensor], Tensor]) -> None:
    model: Any = Written(function, torch.relu)
    x = torch.randn(8, 3)
    assert made(NAME, model, x) == ("",)
    assert torch.equal(model(x), torch.relu(model.fc2(functional.gelu(model.fc1(x)))))


def test_in_a_block_only_the_hidden_one() -> None:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.value, self.gate, self.out = nn.Linear(3, 4), nn.Linear(3, 4), nn.Linear(4, 1)

        def forward(self, x: Tensor) -> Any:
            h = torch.sigmoid(self.gate(x)) * self.value(x)
            return torch.sigmoid(self.out(torch.sigmoid(self.value(h[:, :3]))))

    model: Any = Gated()
    x = torch.randn(8, 3)
    assert made(NAME, model, x) == ("",)
    h = torch.sigmoid(model.gate(x)) * model.value(x)
    assert torch.equal(model(x), torch.sigmoid(model.out(torch.relu(model.value(h[:, :3])))))


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (HandWrittenLSTM(), (4, 5, 3)),
        (Recurrent(), (4, 5, 3)),
        (GatedBlock(), (4, 6)),
        (nn.Sequential(nn.Linear(3, 4), nn.SiLU(), nn.Linear(4, 1), nn.Sigmoid()), (4, 3)),
        (nn.Sequential(nn.Tanh(), nn.Linear(3, 1)), (4, 3)),
        (nn.GRU(3, 4), (4, 2, 3)),
        (nn.LSTMCell(3, 4), (4, 3)),
    ],
)
def test_gates_inputs_and_outputs_stay(model: nn.Module, shape: tuple[int, ...]) -> None:
    assert "No hidden activation" in refused(NAME, model, torch.randn(*shape))


def test_squeeze_and_excite_keeps_its_gate() -> None:
    class Excited(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.fc1, self.fc2 = nn.Conv2d(3, 4, 3), nn.Linear(4, 2), nn.Linear(2, 4)
            self.act, self.gate, self.head = nn.ReLU(), nn.Sigmoid(), nn.Linear(4, 1)

        def forward(self, x: Tensor) -> Any:
            x = self.conv(x)
            x = x * self.gate(self.fc2(self.act(self.fc1(x.mean((2, 3))))))[:, :, None, None]
            return self.head(x.mean((2, 3)))

    model: Any = Excited()
    assert made(NAME, model, torch.randn(2, 3, 5, 5)) == ("act",)
    assert isinstance(model.gate, nn.Sigmoid)


def test_one_module_at_two_places() -> None:
    class Sharing(nn.Module):
        def __init__(self, *, at_the_end: bool) -> None:
            super().__init__()
            self.act = nn.Tanh()
            self.one = nn.Sequential(nn.Linear(3, 4), self.act)
            self.two, self.at_the_end = nn.Linear(4, 4), at_the_end
            self.head = nn.Linear(4, 1)

        def forward(self, x: Tensor) -> Any:
            out = self.head(self.act(self.two(self.one(x))))
            return self.act(out) if self.at_the_end else out

    model: Any = Sharing(at_the_end=False)
    x = torch.randn(8, 3)
    assert made(NAME, model, x) == ("act", "one.1")
    assert torch.equal(model(x), model.head(torch.relu(model.two(torch.relu(model.one[0](x))))))
    assert "No hidden" in refused(NAME, Sharing(at_the_end=True), x)


@pytest.mark.parametrize("activation", ["relu", nn.ReLU()])
def test_torch_layers(activation: Any) -> None:
    layer: Any = nn.TransformerEncoderLayer(8, 2, 12, 0.0, activation=activation, batch_first=True)
    model: Any = nn.Sequential(layer, nn.Linear(8, 1))
    x = torch.randn(3, 5, 8)
    assert made(NAME, model, x) == ("0.activation",)
    twin = nn.TransformerEncoderLayer(8, 2, 12, 0.0, activation="gelu", batch_first=True)
    twin.load_state_dict(layer.state_dict())
    assert torch.allclose(layer(x), twin(x), atol=1e-6)
    with torch.no_grad():
        assert torch.allclose(layer.eval()(x), twin.eval()(x), atol=1e-6)


def test_a_resnet_and_a_language_model() -> None:
    assert made(NAME, resnet(ConvBlock), torch.randn(2, 3, 6, 6)) == ("2", "3", "4")
    assert made(NAME, TorchLM(), torch.randint(11, (3, 5))) == (
        "encoder.layers.0.activation",
        "encoder.layers.1.activation",
    )


def test_blocks_of_one_class_share_a_new_one() -> None:
    model: Any = nn.Sequential(nn.Linear(3, 6), MLPBlock(), MLPBlock(), nn.Linear(6, 1))
    assert made(NAME, model, torch.randn(8, 3)) == ("1", "2")
    assert type(model[1]) is type(model[2]) is not MLPBlock
    assert isinstance(model[1], MLPBlock)
    x = torch.randn(8, 6)
    assert torch.equal(model[2](x), x + model[2].fc2(torch.relu(model[2].fc1(x))))


def test_functional_networks() -> None:
    model: Any = FunctionalNet()
    x = torch.randn(8, 3)
    assert made(NAME, model, x) == ("",)
    h = functional.gelu(x @ model.w1 + model.bias)
    assert torch.allclose(model(x), torch.sigmoid((h + functional.gelu(h @ model.w2)) @ model.w3))


def test_activations_that_the_loss_does_not_depend_on_are_not_mixed_up() -> None:
    class Monitoring(MLPBlock):
        def forward(self, x: Tensor) -> Any:
            h = self.fc1(x)
            torch.tanh(h.detach())
            return self.fc2(torch.tanh(h))

    assert "in a way that torch.fx does not see" in refused(NAME, Monitoring(), torch.randn(8, 6))


def test_an_activation_that_is_not_seen_by_the_trace_is_a_reason() -> None:
    class Looking(MLPBlock):
        def forward(self, x: Tensor) -> Any:
            return self.fc2(torch.tanh(self.fc1(x))) if x.sum() < 1e9 else x

    assert "by hand" in refused(NAME, Looking(), torch.randn(8, 6))
