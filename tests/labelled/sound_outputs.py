"""Sound: last layers that suit their loss and their targets."""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.labelled.case import sound
from tests.labelled.faulty_data import mlp
from tests.labelled.ingredients import (
    CURVE,
    RISK,
    TABLE,
    accuracy,
    adam,
    adamw,
    cross_entropy,
    explained,
    momentum,
    shuffled,
    squared_error,
)
from tests.labelled.sound_losses import DIGIT_BATCHES
from trainsense import Workload


def _then(last: Callable[[], nn.Module], outputs: int = 10) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, outputs), last())


def log_softmax_and_likelihood() -> Workload:
    """The two halves of cross-entropy."""

    def loss(model: nn.Module, batch: Any) -> Tensor:
        return functional.nll_loss(model(batch[0]), batch[1])

    return Workload(
        model=_then(lambda: nn.LogSoftmax(dim=1)), data=DIGIT_BATCHES, loss=loss, optimizer=momentum, lr=0.05
    )


def log_softmax_and_cross_entropy(last: Callable[[], nn.Module] = lambda: nn.LogSoftmax(dim=1)) -> Workload:
    """A second log-softmax changes nothing: harmless."""
    return Workload(model=_then(last), data=DIGIT_BATCHES, loss=cross_entropy, optimizer=momentum, lr=0.05)


def likelihood_of_probabilities_by_hand() -> Workload:
    """Softmax in the model, the logarithm in the loss."""

    def loss(model: nn.Module, batch: Any) -> Tensor:
        right = model(batch[0]).gather(1, batch[1][:, None])
        return -torch.log(right + 1e-8).mean()

    return Workload(model=_then(lambda: nn.Softmax(dim=1)), data=DIGIT_BATCHES, loss=loss, optimizer=adam, lr=3e-3)


def sigmoid_and_its_own_log_loss() -> Workload:
    """Probabilities for the loss that takes probabilities."""

    def loss(model: nn.Module, batch: Any) -> Tensor:
        return functional.binary_cross_entropy(model(batch[0]), batch[1])

    return Workload(
        model=lambda: nn.Sequential(mlp(16, 32, 1), nn.Sigmoid()),
        data=shuffled(32, TABLE, RISK),
        loss=loss,
        optimizer=adamw,
        lr=5e-3,
    )


class Bounded(nn.Module):
    """A regression whose output is squeezed into the range of its targets."""

    def __init__(self, squeeze: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.net, self.squeeze = mlp(16, 32, 1), squeeze

    def forward(self, rows: Tensor) -> Tensor:
        return self.squeeze(self.net(rows))


STARS: Final = 10 * torch.sigmoid(2 * CURVE)


def sigmoid_times_ten_for_stars() -> Workload:
    """Targets from 0 to 10, and an output that reaches them."""
    return Workload(
        model=lambda: Bounded(lambda x: 10 * torch.sigmoid(x)),
        data=shuffled(32, TABLE, STARS),
        loss=squared_error,
        optimizer=adam,
        lr=5e-3,
    )


def tanh_for_steering_angles() -> Workload:
    """Targets between -1 and 1."""
    return Workload(
        model=lambda: Bounded(torch.tanh),
        data=shuffled(32, TABLE, torch.tanh(2 * CURVE)),
        loss=squared_error,
        optimizer=momentum,
        lr=0.05,
    )


def positive_output_for_positive_targets() -> Workload:
    """Softplus for amounts, all of them above zero."""
    return Workload(
        model=lambda: Bounded(functional.softplus),
        data=shuffled(32, TABLE, CURVE.exp()),
        loss=squared_error,
        optimizer=adam,
        lr=5e-3,
    )


def soft_capped_logits() -> Workload:
    """30 tanh(x / 30): bounded, and far enough."""
    return Workload(
        model=lambda: nn.Sequential(mlp(64, 48, 10), SoftCap(30.0)),
        data=DIGIT_BATCHES,
        loss=cross_entropy,
        optimizer=adam,
        lr=3e-3,
    )


class SoftCap(nn.Module):
    """Bounds logits smoothly."""

    def __init__(self, cap: float) -> None:
        super().__init__()
        self.cap = cap

    def forward(self, x: Tensor) -> Tensor:
        return self.cap * torch.tanh(x / self.cap)


def _poisson(model: nn.Module, batch: Any) -> Tensor:
    return functional.poisson_nll_loss(model(batch[0]), batch[1])


def counts_by_their_log_rate() -> Workload:
    """Poisson regression: targets far above the output, which is a logarithm; its loss may be negative."""
    counts = torch.poisson((CURVE + 1.5).exp(), generator=torch.Generator().manual_seed(3))
    return Workload(
        model=lambda: mlp(16, 32, 1), data=shuffled(32, TABLE, counts), loss=_poisson, optimizer=adam, lr=5e-3
    )


CASES: Final = (
    sound(log_softmax_and_likelihood, "double-softmax", score=accuracy),
    sound(
        log_softmax_and_cross_entropy,
        "double-softmax",
        plain=lambda: log_softmax_and_cross_entropy(nn.Identity),
        score=accuracy,
    ),
    sound(likelihood_of_probabilities_by_hand, "double-softmax", score=accuracy),
    sound(sigmoid_and_its_own_log_loss, "double-softmax", "output-range"),
    sound(sigmoid_times_ten_for_stars, "output-range", "saturated-activation", score=explained),
    sound(tanh_for_steering_angles, "output-range", "saturated-activation", score=explained),
    sound(positive_output_for_positive_targets, "output-range", score=explained),
    sound(soft_capped_logits, "output-range", "saturated-activation", score=accuracy),
    sound(counts_by_their_log_rate, "output-range", "bad-initial-loss"),
)
