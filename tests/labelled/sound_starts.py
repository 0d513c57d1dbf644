"""Sound: unusual starts, gates and features."""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.labelled.case import sound
from tests.labelled.faulty_data import mlp
from tests.labelled.ingredients import (
    GROUP,
    IMAGES,
    LABELS,
    TABLE,
    accuracy,
    adam,
    cross_entropy,
    drawn,
    explained,
    momentum,
    shuffled,
    squared_error,
)
from tests.labelled.sound_layers import DIGIT_BATCHES
from trainsense import Workload


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
    sound(
        head_of_zeros,
        "symmetric-init",
        "no-gradient",
        "ignores-input",
        plain=lambda: head_of_zeros(zero=False),
        score=accuracy,
    ),
    sound(
        alike_filters_that_part, "symmetric-init", plain=lambda: alike_filters_that_part(copied=False), score=accuracy
    ),
    sound(sines_with_a_large_first_layer, "bad-init-scale", "saturated-activation", score=explained, steps=400),
    sound(gates_that_start_nearly_closed, "saturated-activation", score=accuracy),
    sound(random_features_in_a_buffer, "not-optimized", "no-gradient", score=accuracy),
)
