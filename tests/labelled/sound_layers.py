"""Sound networks of plain layers: initialisations, activations and depths that merely look like trouble."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from tests.labelled.case import sound
from tests.labelled.faulty_layers import deep
from tests.labelled.faulty_starts import started
from tests.labelled.ingredients import (
    CURVE,
    DIGITS,
    GROUP,
    LABELS,
    TABLE,
    accuracy,
    adam,
    adamw,
    cross_entropy,
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


CASES: Final = (
    sound(kaiming_relu_net, "bad-init-scale", "missing-normalization", score=accuracy),
    sound(xavier_tanh_net, "saturated-activation", score=explained),
    sound(five_layers_as_torch_makes_them, "vanishing-gradient", "missing-residual", score=accuracy),
    sound(self_normalising_net_of_eight_layers, "missing-residual", "missing-normalization", score=accuracy),
    sound(two_sigmoid_layers, "vanishing-gradient", "saturated-activation", score=accuracy),
    sound(learned_slopes, "dead-relu", "symmetric-init", score=accuracy),
    sound(six_dead_units_of_48, "dead-relu", plain=lambda: six_dead_units_of_48(0), score=accuracy),
    sound(reparametrised_weights, "symmetric-init", "no-gradient", score=explained),
)
