"""Signals that vanish or explode on their way through the layers."""

from collections.abc import Callable
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.labelled.case import faulty
from tests.labelled.ingredients import (
    DIGITS,
    IMAGES,
    LABELS,
    accuracy,
    adam,
    cross_entropy,
    drawn,
    explained,
    momentum,
    shuffled,
    squared_error,
)
from trainsense import Workload


def deep(inputs: int, width: int, depth: int, outputs: int, activation: Callable[[], nn.Module]) -> nn.Module:
    """Build `depth` hidden layers."""
    layers: list[nn.Module] = [nn.Linear(inputs, width), activation()]
    for _ in range(depth - 1):
        layers += [nn.Linear(width, width), activation()]
    return nn.Sequential(*layers, nn.Linear(width, outputs))


def eight_sigmoid_layers(activation: Callable[[], nn.Module] = nn.Sigmoid) -> Workload:
    """Each layer passes on less than a quarter of the gradient."""
    return Workload(
        model=lambda: deep(64, 32, 8, 10, activation),
        data=shuffled(32, DIGITS, LABELS),
        loss=cross_entropy,
        optimizer=momentum,
        lr=0.03,
    )


class OwnRecurrence(nn.Module):
    """A recurrent net by hand, whose last state is read."""

    def __init__(self, inputs: int, outputs: int, gain: float, activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.inward, self.recurrent = nn.Linear(inputs, 32), nn.Parameter(torch.empty(32, 32))
        self.head, self.activation = nn.Linear(32, outputs), activation
        nn.init.orthogonal_(self.recurrent, gain=gain)

    def forward(self, sequence: Tensor) -> Tensor:
        state = sequence.new_zeros(len(sequence), 32)
        for inputs in sequence.unbind(dim=1):
            state = self.activation(self.inward(inputs) + state @ self.recurrent)
        return self.head(state)


FIRST: Final = torch.cat([2 * drawn(512, 1, 4, seed=12), 0.1 * drawn(512, 29, 4, seed=13)], dim=1)


FIRST_SIGN: Final = (FIRST[:, 0, 0] > 0).long() + 2 * (FIRST[:, 0, 1] > 0).long()


def memory_that_fades_in_thirty_steps(gain: float = 0.4) -> Workload:
    """The first of thirty inputs decides, and its gradient has vanished by then."""
    return Workload(
        model=lambda: OwnRecurrence(4, 4, gain, torch.tanh),
        data=shuffled(32, FIRST, FIRST_SIGN),
        loss=cross_entropy,
        optimizer=adam,
        lr=2e-3,
    )


class SmallConvs(nn.Module):
    """Six convolutions, all of the same initial standard deviation."""

    def __init__(self, std: float | None) -> None:
        super().__init__()
        convs = [nn.Conv2d(1 if index == 0 else 8, 8, 3, padding=1) for index in range(6)]
        self.convs, self.head = nn.ModuleList(convs), nn.Linear(8, 10)
        for conv in convs:
            nn.init.zeros_(conv.bias) if conv.bias is not None else None
            if std is None:
                nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            else:
                nn.init.normal_(conv.weight, std=std)

    def forward(self, images: Tensor) -> Tensor:
        for conv in self.convs:
            images = functional.relu(conv(images))
        return self.head(images.amax(dim=(2, 3)))


def six_convolutions_of_a_hundredth(std: float | None = 0.01) -> Workload:
    """Nothing arrives at the head, and no gradient comes back."""
    return Workload(
        model=lambda: SmallConvs(std),
        data=shuffled(32, IMAGES, LABELS),
        loss=cross_entropy,
        optimizer=momentum,
        lr=0.02,
    )


SUMMED: Final = drawn(512, 40, 2, seed=14)


TOTAL: Final = SUMMED[:, :, :1].mean(dim=1) * 40**0.5


def recurrence_that_doubles(gain: float = 2.2) -> Workload:
    """The state grows by more than half at each of forty steps."""
    return Workload(
        model=lambda: OwnRecurrence(2, 1, gain, functional.relu),
        data=shuffled(32, SUMMED, TOTAL),
        loss=squared_error,
        optimizer=adam,
        lr=3e-3,
    )


class ScaledConvs(nn.Module):
    """Seven convolutions whose initial scale is chosen by hand, without padding."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        widths = (1, 8, 8, 12, 12, 16, 16, 16)
        self.layers = nn.Sequential()
        for inputs, outputs in pairwise(widths):
            conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
            nn.init.kaiming_normal_(conv.weight)
            self.layers.extend([conv, nn.LeakyReLU(0.1)])
        self.head = nn.Linear(16, 10)
        with torch.no_grad():
            for weight in self.layers.parameters():
                weight.mul_(gain)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.layers(images).mean(dim=(2, 3)))


def convolutions_four_times_too_large(gain: float = 4.0) -> Workload:
    """Signals and gradients grow fourfold at every layer."""
    return Workload(
        model=lambda: ScaledConvs(gain), data=shuffled(32, IMAGES, LABELS), loss=cross_entropy, optimizer=adam, lr=2e-3
    )


CASES: Final = (
    faulty(
        eight_sigmoid_layers,
        "vanishing-gradient",
        mended=lambda: eight_sigmoid_layers(lambda: nn.Sequential(nn.LayerNorm(32), nn.ReLU())),
        score=accuracy,
    ),
    faulty(
        memory_that_fades_in_thirty_steps,
        "vanishing-gradient",
        mended=lambda: memory_that_fades_in_thirty_steps(1.0),
        score=accuracy,
    ),
    faulty(
        six_convolutions_of_a_hundredth,
        "vanishing-gradient",
        "bad-init-scale",
        mended=lambda: six_convolutions_of_a_hundredth(None),
        score=accuracy,
    ),
    faulty(
        recurrence_that_doubles,
        "exploding-gradient",
        "bad-init-scale",
        mended=lambda: recurrence_that_doubles(1.0),
        score=explained,
    ),
    faulty(
        convolutions_four_times_too_large,
        "exploding-gradient",
        "bad-init-scale",
        mended=lambda: convolutions_four_times_too_large(1.0),
        score=accuracy,
    ),
)
