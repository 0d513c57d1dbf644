"""Units that are dead or saturated."""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.labelled.case import faulty
from tests.labelled.faulty_layers import deep
from tests.labelled.ingredients import (
    DIGITS,
    GROUP,
    IMAGES,
    INK,
    LABELS,
    TABLE,
    accuracy,
    adam,
    cross_entropy,
    momentum,
    shuffled,
)
from trainsense import Workload


def _biased(bias: float) -> nn.Module:
    net = deep(64, 32, 3, 10, nn.ReLU)
    for name, parameter in net.named_parameters():
        if name == "2.bias":
            nn.init.constant_(parameter, bias)
    return net


def hidden_biases_of_minus_100(bias: float = -100.0) -> Workload:
    """No unit of the second layer ever fires."""
    return Workload(
        model=lambda: _biased(bias), data=shuffled(32, DIGITS, LABELS), loss=cross_entropy, optimizer=adam, lr=1e-3
    )


class Thresholded(nn.Module):
    """A convolution whose units fire above a threshold."""

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.conv, self.mix = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.head, self.threshold = nn.Linear(256, 10), threshold

    def forward(self, images: Tensor) -> Tensor:
        x = functional.relu(self.conv(images) - self.threshold)
        return self.head(functional.relu(self.mix(x)).flatten(1))


def threshold_above_all_signals(threshold: float = 8.0) -> Workload:
    """A functional ReLU behind a shift: dead in every image."""
    return Workload(
        model=lambda: Thresholded(threshold),
        data=shuffled(32, IMAGES, LABELS),
        loss=cross_entropy,
        optimizer=momentum,
        lr=0.05,
    )


def first_steps_that_kill(lr: float = 0.5) -> Workload:
    """Adam moves every weight by half: inputs that are never negative then fire no unit again."""
    return Workload(
        model=lambda: deep(64, 32, 3, 10, nn.ReLU),
        data=shuffled(32, INK / 16, LABELS),
        loss=cross_entropy,
        optimizer=adam,
        lr=lr,
    )


def _normal(net: nn.Module, std: float) -> nn.Module:
    for parameter in net.parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=std)
    return net


def tanh_behind_unit_weights(std: float = 1.0) -> Workload:
    """Weights of N(0, 1) at width 64: every tanh sits at its limits."""
    return Workload(
        model=lambda: _normal(deep(64, 64, 4, 10, nn.Tanh), std),
        data=shuffled(32, DIGITS, LABELS),
        loss=cross_entropy,
        optimizer=momentum,
        lr=0.01,
    )


class Gated(nn.Module):
    """Features through gates, all functional."""

    def __init__(self, std: float) -> None:
        super().__init__()
        self.features, self.gates = nn.Linear(16, 48), nn.Linear(48, 48)
        self.mixed, self.head = nn.Linear(48, 48), nn.Linear(48, 5)
        for layer in (self.features, self.gates, self.mixed):
            nn.init.normal_(layer.weight, std=std)

    def forward(self, rows: Tensor) -> Tensor:
        x = torch.sigmoid(self.features(rows))
        x = torch.sigmoid(self.gates(x))
        return self.head(torch.sigmoid(self.mixed(x)))


def sigmoids_behind_weights_of_four(std: float = 4.0) -> Workload:
    """The hidden units are all zeros and ones."""
    return Workload(
        model=lambda: Gated(std), data=shuffled(32, TABLE, GROUP), loss=cross_entropy, optimizer=adam, lr=2e-3
    )


CASES: Final = (
    faulty(first_steps_that_kill, "dead-relu", mended=lambda: first_steps_that_kill(0.003), score=accuracy),
    faulty(hidden_biases_of_minus_100, "dead-relu", mended=lambda: hidden_biases_of_minus_100(0.0), score=accuracy),
    faulty(threshold_above_all_signals, "dead-relu", mended=lambda: threshold_above_all_signals(0.0), score=accuracy),
    faulty(
        tanh_behind_unit_weights,
        "saturated-activation",
        "bad-init-scale",
        mended=lambda: tanh_behind_unit_weights(0.1),
        score=accuracy,
    ),
    faulty(
        sigmoids_behind_weights_of_four,
        "saturated-activation",
        "bad-init-scale",
        mended=lambda: sigmoids_behind_weights_of_four(0.3),
        score=accuracy,
    ),
)
