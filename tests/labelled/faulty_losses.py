"""Losses that start far off, penalties that outweigh the data."""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, AdamW, Optimizer

from tests.labelled.case import faulty
from tests.labelled.faulty_data import mlp
from tests.labelled.ingredients import (
    CURVE,
    DIGITS,
    GROUP,
    LABELS,
    TABLE,
    accuracy,
    adam,
    cross_entropy,
    explained,
    momentum,
    shuffled,
    squared_error,
)
from trainsense import Workload


class WithHead(nn.Module):
    """A body and a head that was initialised by hand."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.body, self.head = mlp(64, 32, 32), nn.Linear(32, 10)
        nn.init.normal_(self.head.weight, std=gain / 32**0.5)

    def forward(self, rows: Tensor) -> Tensor:
        return self.head(functional.relu(self.body(rows)))


def head_of_far_too_large_weights(gain: float = 300.0) -> Workload:
    """The initial loss lies far above that of a uniform guess."""
    return Workload(
        model=lambda: WithHead(gain), data=shuffled(32, DIGITS, LABELS), loss=cross_entropy, optimizer=momentum, lr=0.01
    )


def _shifted(bias: float) -> nn.Module:
    net = mlp(16, 32, 1)
    nn.init.constant_(net[-1].bias, bias)  # type: ignore[index]
    return net


def output_bias_in_another_unit(bias: float = 250.0) -> Workload:
    """The bias was set to the mean of the targets before they were standardised."""
    return Workload(
        model=lambda: _shifted(bias), data=shuffled(32, TABLE, CURVE), loss=squared_error, optimizer=adam, lr=1e-3
    )


class Towers(nn.Module):
    """Two towers whose products are the similarities."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.document = mlp(32, 32, 32), mlp(32, 32, 32)

    def forward(self, queries: Tensor, documents: Tensor) -> tuple[Tensor, Tensor]:
        return self.query(queries), self.document(documents)


LEFT, RIGHT = DIGITS[:, :32], DIGITS[:, 32:]


def _matching(scale: float) -> Callable[[nn.Module, Any], Tensor]:
    def loss(model: nn.Module, batch: Any) -> Tensor:
        queries, documents = model(*batch)
        return functional.cross_entropy(scale * queries @ documents.T, torch.arange(len(queries)))

    return loss


def found(model: nn.Module, batch: Any) -> float:
    """Share of queries whose own document comes first."""
    queries, documents = model(*batch)
    return float(((queries @ documents.T).argmax(dim=1) == torch.arange(len(queries))).float().mean())


def temperature_of_products_that_have_no_norm(scale: float = 1000.0) -> Workload:
    """The temperature of normalised vectors, times ten, on vectors that are not."""
    return Workload(model=Towers, data=shuffled(16, LEFT, RIGHT), loss=_matching(scale), optimizer=adam, lr=1e-3)


def decay_of_30_in_adamw(weight_decay: float = 30.0) -> Workload:
    """Every step takes 15 % off all weights."""

    def optimizer(model: nn.Module, lr: float) -> Optimizer:
        return AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)

    return Workload(
        model=lambda: mlp(64, 32, 10),
        data=shuffled(32, DIGITS, LABELS),
        loss=cross_entropy,
        optimizer=optimizer,
        lr=5e-3,
    )


def decay_of_1_in_sgd(weight_decay: float = 1.0) -> Workload:
    """The penalty's gradient is that of the weights themselves."""

    def optimizer(model: nn.Module, lr: float) -> Optimizer:
        return SGD(model.parameters(), lr=lr, momentum=0.9, weight_decay=weight_decay)

    return Workload(
        model=lambda: mlp(16, 32, 5), data=shuffled(32, TABLE, GROUP), loss=cross_entropy, optimizer=optimizer, lr=0.02
    )


def _penalised(strength: float, power: int) -> Callable[[nn.Module, Any], Tensor]:
    def loss(model: nn.Module, batch: Any) -> Tensor:
        penalty = torch.stack([weight.abs().pow(power).sum() for weight in model.parameters()]).sum()
        return functional.mse_loss(model(batch[0]), batch[1]) + strength * penalty

    return loss


def squared_penalty_of_one(strength: float = 1.0) -> Workload:
    """A ridge penalty of weight one in the loss."""
    return Workload(
        model=lambda: mlp(16, 32, 1),
        data=shuffled(32, TABLE, CURVE),
        loss=_penalised(strength, 2),
        optimizer=adam,
        lr=3e-3,
    )


def absolute_penalty_of_one(strength: float = 1.0) -> Workload:
    """A lasso penalty over every weight of the network."""
    return Workload(
        model=lambda: nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Linear(64, 1)),
        data=shuffled(32, TABLE, CURVE),
        loss=_penalised(strength, 1),
        optimizer=momentum,
        lr=0.01,
    )


CASES: Final = (
    faulty(
        head_of_far_too_large_weights,
        "bad-initial-loss",
        "bad-init-scale",
        mended=lambda: head_of_far_too_large_weights(1.0),
        score=accuracy,
    ),
    faulty(
        output_bias_in_another_unit,
        "bad-initial-loss",
        mended=lambda: output_bias_in_another_unit(0.0),
        score=explained,
    ),
    faulty(
        temperature_of_products_that_have_no_norm,
        "bad-initial-loss",
        mended=lambda: temperature_of_products_that_have_no_norm(1.0),
        score=found,
    ),
    faulty(decay_of_30_in_adamw, "over-regularized", mended=lambda: decay_of_30_in_adamw(0.01), score=accuracy),
    faulty(decay_of_1_in_sgd, "over-regularized", mended=lambda: decay_of_1_in_sgd(5e-4), score=accuracy),
    faulty(squared_penalty_of_one, "over-regularized", mended=lambda: squared_penalty_of_one(1e-5), score=explained),
    faulty(
        absolute_penalty_of_one,
        "over-regularized",
        mended=lambda: absolute_penalty_of_one(1e-5),
        score=explained,
    ),
)
