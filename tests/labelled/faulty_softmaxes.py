"""Softmax and the like between layers, over the wrong axis, over a single unit."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.labelled.case import faulty
from tests.labelled.faulty_data import mlp
from tests.labelled.faulty_outputs import Activation
from tests.labelled.ingredients import (
    CURVE,
    DIGITS,
    LABELS,
    RISK,
    TABLE,
    accuracy,
    accuracy_alone,
    adam,
    cross_entropy,
    explained,
    momentum,
    shuffled,
    squared_error,
)
from trainsense import Workload


def softmax_as_hidden_activation(activation: Activation = lambda: nn.Softmax(dim=-1)) -> Workload:
    """The hidden units share one unit of activation."""
    return Workload(
        model=lambda: mlp(64, 48, 10, activation),
        data=shuffled(32, DIGITS, LABELS),
        loss=cross_entropy,
        optimizer=adam,
        lr=1e-3,
    )


class SharedOut(nn.Module):
    """Hidden units are divided by their sum."""

    def __init__(self, hidden: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.inner, self.middle, self.outer = nn.Linear(16, 40), nn.Linear(40, 40), nn.Linear(40, 1)
        self.hidden = hidden

    def forward(self, rows: Tensor) -> Tensor:
        return self.outer(self.hidden(self.middle(self.hidden(self.inner(rows)))))


def by_hand(x: Tensor) -> Tensor:
    """Softmax in three steps."""
    weights = (x - x.amax(dim=1, keepdim=True)).exp()
    return weights / weights.sum(dim=1, keepdim=True)


def softmax_by_hand_between_layers(hidden: Callable[[Tensor], Tensor] = by_hand) -> Workload:
    """The same, written out."""
    return Workload(
        model=lambda: SharedOut(hidden),
        data=shuffled(32, TABLE, CURVE),
        loss=squared_error,
        optimizer=momentum,
        lr=0.05,
    )


def hidden_softmax_over_the_batch(activation: Activation = lambda: nn.Softmax(dim=0)) -> Workload:
    """The hidden units share out the batch."""
    return Workload(
        model=lambda: mlp(64, 32, 10, activation),
        data=shuffled(32, DIGITS, LABELS),
        loss=cross_entropy,
        optimizer=adam,
        lr=2e-3,
    )


class Normalised(nn.Module):
    """Log-probabilities over one of the axes."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.net, self.dim = mlp(64, 32, 10), dim

    def forward(self, rows: Tensor) -> Tensor:
        return functional.log_softmax(self.net(rows), dim=self.dim)


def _likelihood(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return functional.nll_loss(model(batch[0]), batch[1])


def log_softmax_over_the_batch(dim: int = 0) -> Workload:
    """The rows of the batch compete for each class."""
    return Workload(
        model=lambda: Normalised(dim), data=shuffled(32, DIGITS, LABELS), loss=_likelihood, optimizer=momentum, lr=0.05
    )


def _bce(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return functional.binary_cross_entropy(model(batch[0]), batch[1])


def probable_right(model: nn.Module, batch: tuple[Tensor, Tensor]) -> float:
    """Share of rows whose probability lies on the right side of one half."""
    return float(((model(batch[0]) > 0.5) == (batch[1] > 0.5)).float().mean())


def softmax_over_one_unit(last: Activation = lambda: nn.Softmax(dim=1)) -> Workload:
    """Always one."""
    return Workload(
        model=lambda: nn.Sequential(mlp(16, 24, 1), last()),
        data=shuffled(32, TABLE, RISK),
        loss=_bce,
        optimizer=adam,
        lr=3e-3,
    )


def layer_norm_over_one_unit(last: Activation = lambda: nn.LayerNorm(1)) -> Workload:
    """A single number less its own mean is zero."""
    return Workload(
        model=lambda: nn.Sequential(mlp(16, 24, 1, nn.SiLU), last()),
        data=shuffled(32, TABLE, CURVE),
        loss=squared_error,
        lr=3e-3,
    )


CASES: Final = (
    faulty(
        softmax_as_hidden_activation,
        "inner-softmax",
        mended=lambda: softmax_as_hidden_activation(nn.ReLU),
        score=accuracy,
    ),
    faulty(
        softmax_by_hand_between_layers,
        "inner-softmax",
        mended=lambda: softmax_by_hand_between_layers(torch.tanh),
        score=explained,
    ),
    faulty(
        hidden_softmax_over_the_batch,
        "inner-softmax",
        "example-leak",
        mended=lambda: hidden_softmax_over_the_batch(nn.ReLU),
        score=accuracy_alone,
    ),
    faulty(
        log_softmax_over_the_batch,
        "example-leak",
        "inner-softmax",
        mended=lambda: log_softmax_over_the_batch(1),
        score=accuracy_alone,
    ),
    faulty(
        softmax_over_one_unit,
        "constant-output",
        mended=lambda: softmax_over_one_unit(nn.Sigmoid),
        score=probable_right,
    ),
    faulty(
        layer_norm_over_one_unit,
        "constant-output",
        mended=lambda: layer_norm_over_one_unit(nn.Identity),
        score=explained,
    ),
)
