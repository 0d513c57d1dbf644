"""Sound networks of plain layers: initialisations, activations and depths that merely look like trouble."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from tests.labelled.case import sound
from tests.labelled.faulty_data import mlp
from tests.labelled.faulty_layers import deep
from tests.labelled.faulty_starts import started
from tests.labelled.ingredients import (
    CURVE,
    DIGITS,
    GROUP,
    IMAGES,
    LABELS,
    TABLE,
    accuracy,
    adam,
    adamw,
    cross_entropy,
    drawn,
    explained,
    momentum,
    sgd,
    shuffled,
    squared_error,
)
from trainsense import Workload

DIGIT_BATCHES: Final = shuffled(32, DIGITS, LABELS)
Start = Callable[[Tensor], None]


def _kaiming(weight: Tensor) -> None:
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


def _xavier(weight: Tensor) -> None:
    nn.init.xavier_uniform_(weight, gain=5 / 3)


def _lecun(weight: Tensor) -> None:
    nn.init.kaiming_normal_(weight, nonlinearity="linear")


def kaiming_relu_net() -> Workload:
    """As the textbook has it."""
    return Workload(
        model=lambda: started(deep(64, 64, 4, 10, nn.ReLU), _kaiming, biases=True),
        data=DIGIT_BATCHES,
        loss=cross_entropy,
        optimizer=sgd,
        lr=0.1,
    )


def xavier_tanh_net() -> Workload:
    """The same for tanh."""
    return Workload(
        model=lambda: started(deep(16, 48, 3, 1, nn.Tanh), _xavier, biases=True),
        data=shuffled(16, TABLE, CURVE),
        loss=squared_error,
        optimizer=momentum,
        lr=0.01,
    )


def five_layers_as_torch_makes_them() -> Workload:
    """torch's default loses a little of the signal at every layer; five of them do no harm."""
    return Workload(
        model=lambda: deep(64, 48, 5, 10, nn.ReLU), data=DIGIT_BATCHES, loss=cross_entropy, optimizer=adam, lr=2e-3
    )


def self_normalising_net_of_eight_layers() -> Workload:
    """SELU with LeCun's initialisation needs neither norm nor residual."""
    return Workload(
        model=lambda: started(deep(64, 32, 8, 10, nn.SELU), _lecun, biases=True),
        data=DIGIT_BATCHES,
        loss=cross_entropy,
        optimizer=adamw,
        lr=2e-3,
    )


def two_sigmoid_layers() -> Workload:
    """Sigmoids are slow; two layers of them learn."""
    return Workload(
        model=lambda: deep(64, 32, 2, 10, nn.Sigmoid), data=DIGIT_BATCHES, loss=cross_entropy, optimizer=adam, lr=0.01
    )


def learned_slopes() -> Workload:
    """PReLU: parameters that are no weights."""
    return Workload(
        model=lambda: deep(16, 32, 3, 5, nn.PReLU),
        data=shuffled(32, TABLE, GROUP),
        loss=cross_entropy,
        optimizer=adam,
        lr=5e-3,
    )


class ZeroHead(nn.Module):
    """The head starts at zero: the first prediction is uniform."""

    def __init__(self, *, zero: bool) -> None:
        super().__init__()
        self.body, self.head = mlp(64, 48, 32, nn.GELU), nn.Linear(32, 10)
        if zero:
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)

    def forward(self, rows: Tensor) -> Tensor:
        return self.head(functional.gelu(self.body(rows)))


def head_of_zeros(*, zero: bool = True) -> Workload:
    """No gradient passes it at the first step, and from the second on it does."""
    return Workload(
        model=lambda: ZeroHead(zero=zero), data=DIGIT_BATCHES, loss=cross_entropy, optimizer=momentum, lr=0.05
    )


class CopiedFilters(nn.Module):
    """Half of the filters start alike, in front of weights that do not."""

    def __init__(self, *, copied: bool) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.head = nn.Linear(16, 10)
        if copied:
            with torch.no_grad():
                self.first.weight[:4] = self.first.weight[:1].clone()

    def forward(self, images: Tensor) -> Tensor:
        x = functional.silu(self.second(functional.silu(self.first(images))))
        return self.head(x.mean(dim=(2, 3)))


def alike_filters_that_part(*, copied: bool = True) -> Workload:
    """Equal weights get different gradients: the copies part at the first step."""
    return Workload(
        model=lambda: CopiedFilters(copied=copied),
        data=shuffled(32, IMAGES, LABELS),
        loss=cross_entropy,
        optimizer=adam,
        lr=0.01,
    )


class FewDeadUnits(nn.Module):
    """A hidden layer of which some units never fire."""

    def __init__(self, dead: int) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(64, 48), nn.Linear(48, 10)
        with torch.no_grad():
            self.inner.bias[:dead] = -100.0

    def forward(self, rows: Tensor) -> Tensor:
        return self.outer(self.inner(rows).clamp(min=0))


def six_dead_units_of_48(dead: int = 6) -> Workload:
    """They are dead, and nobody misses them."""
    return Workload(model=lambda: FewDeadUnits(dead), data=DIGIT_BATCHES, loss=cross_entropy, optimizer=adam, lr=2e-3)


def reparametrised_weights() -> Workload:
    """Weight norm on one layer, spectral norm on another."""

    def model() -> nn.Module:
        return nn.Sequential(
            weight_norm(nn.Linear(16, 32)), nn.ReLU(), spectral_norm(nn.Linear(32, 32)), nn.ReLU(), nn.Linear(32, 1)
        )

    return Workload(model=model, data=shuffled(32, TABLE, CURVE), loss=squared_error, optimizer=adam, lr=5e-3)


class Siren(nn.Module):
    """Sines all the way, with a first layer scaled by 30 (Sitzmann et al., 2020)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(2, 48), nn.Linear(48, 48)])
        self.head = nn.Linear(48, 1)
        with torch.no_grad():
            self.layers[0].weight.uniform_(-0.5, 0.5)  # type: ignore[operator]
            self.layers[1].weight.uniform_(-((6 / 48) ** 0.5) / 30, (6 / 48) ** 0.5 / 30)  # type: ignore[operator]

    def forward(self, places: Tensor) -> Tensor:
        for layer in self.layers:
            places = torch.sin(30 * layer(places))
        return self.head(places)


PLACES: Final = torch.cartesian_prod(torch.linspace(-1, 1, 32), torch.linspace(-1, 1, 32))
PICTURE: Final = torch.sin(9 * PLACES[:, :1]) * torch.cos(7 * PLACES[:, 1:])


def sines_with_a_large_first_layer() -> Workload:
    """An image as a function of its coordinates."""
    return Workload(model=Siren, data=shuffled(64, PLACES, PICTURE), loss=squared_error, optimizer=adam, lr=1e-3)


class Highway(nn.Module):
    """Layers whose gates start nearly closed."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(16, 32), nn.Linear(32, 5)
        self.updates = nn.ModuleList([nn.Linear(32, 32) for _ in range(4)])
        self.gates = nn.ModuleList([nn.Linear(32, 32) for _ in range(4)])
        for gate in self.gates:
            nn.init.constant_(gate.bias, -2.0)  # type: ignore[arg-type]

    def forward(self, rows: Tensor) -> Tensor:
        x = self.stem(rows)
        for update, gate in zip(self.updates, self.gates, strict=True):
            open_by = torch.sigmoid(gate(x))
            x = open_by * functional.relu(update(x)) + (1 - open_by) * x
        return self.head(x)


def gates_that_start_nearly_closed() -> Workload:
    """As highway networks are meant to start."""
    return Workload(model=Highway, data=shuffled(32, TABLE, GROUP), loss=cross_entropy, optimizer=adam, lr=5e-3)


class RandomFeatures(nn.Module):
    """Fixed random features, which no one is meant to train."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("directions", drawn(16, 128, seed=20) / 4)
        self.head = nn.Linear(128, 5)

    def forward(self, rows: Tensor) -> Tensor:
        return self.head(torch.relu(rows @ self.get_buffer("directions")))


def random_features_in_a_buffer() -> Workload:
    """A linear model over them."""
    return Workload(model=RandomFeatures, data=shuffled(32, TABLE, GROUP), loss=cross_entropy, optimizer=adam, lr=0.01)


CASES: Final = (
    sound(kaiming_relu_net, "bad-init-scale", "missing-normalization", score=accuracy),
    sound(xavier_tanh_net, "saturated-activation", score=explained),
    sound(five_layers_as_torch_makes_them, "vanishing-gradient", "missing-residual", score=accuracy),
    sound(self_normalising_net_of_eight_layers, "missing-residual", "missing-normalization", score=accuracy),
    sound(two_sigmoid_layers, "vanishing-gradient", "saturated-activation", score=accuracy),
    sound(learned_slopes, "dead-relu", "symmetric-init", score=accuracy),
    sound(
        head_of_zeros,
        "symmetric-init",
        "no-gradient",
        "constant-output",
        plain=lambda: head_of_zeros(zero=False),
        score=accuracy,
    ),
    sound(
        alike_filters_that_part, "symmetric-init", plain=lambda: alike_filters_that_part(copied=False), score=accuracy
    ),
    sound(six_dead_units_of_48, "dead-relu", plain=lambda: six_dead_units_of_48(0), score=accuracy),
    sound(reparametrised_weights, "symmetric-init", "no-gradient", score=explained),
    sound(sines_with_a_large_first_layer, "bad-init-scale", "saturated-activation", score=explained, steps=400),
    sound(gates_that_start_nearly_closed, "saturated-activation", score=accuracy),
    sound(random_features_in_a_buffer, "not-optimized", "no-gradient", score=accuracy),
)
