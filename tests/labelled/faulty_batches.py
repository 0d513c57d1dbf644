"""Batches that cannot be learned by heart."""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam, Optimizer

from tests.labelled.case import faulty
from tests.labelled.faulty_data import mlp
from tests.labelled.ingredients import (
    CURVE,
    DIGITS,
    LABELS,
    TABLE,
    accuracy,
    adam,
    cross_entropy,
    explained,
    momentum,
    sgd,
    shuffled,
    squared_error,
)
from trainsense import Workload


class OwnCrossEntropy(torch.autograd.Function):
    """Cross-entropy with a backward pass by hand."""

    sign = -1.0

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor) -> Tensor:
        ctx.save_for_backward(logits.softmax(dim=1), labels)
        return functional.cross_entropy(logits, labels)

    @classmethod
    def gradient(cls, probabilities: Tensor, labels: Tensor) -> Tensor:
        onehot = functional.one_hot(labels, probabilities.shape[1])
        return cls.sign * (probabilities - onehot) / len(labels)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Any:
        return upstream[0] * OwnCrossEntropy.gradient(*ctx.saved_tensors), None


def _own_loss(model: nn.Module, batch: Any) -> Tensor:
    return OwnCrossEntropy.apply(model(batch[0]), batch[1])  # type: ignore[no-untyped-call]


def backward_of_the_wrong_sign(loss: Callable[[nn.Module, Any], Tensor] = _own_loss) -> Workload:
    """`onehot - probabilities` where its negative is meant: every step climbs."""
    return Workload(
        model=lambda: mlp(64, 32, 10), data=shuffled(32, DIGITS, LABELS), loss=loss, optimizer=momentum, lr=0.01
    )


def _mixed_up(model: nn.Module, batch: Any) -> Tensor:
    rows, labels = batch
    return functional.cross_entropy(model(rows[torch.randperm(len(rows))]), labels)


def inputs_shuffled_without_their_labels(loss: Callable[[nn.Module, Any], Tensor] = _mixed_up) -> Workload:
    """An augmentation inside the loss permutes the rows, and nothing else."""
    return Workload(
        model=lambda: mlp(64, 48, 10), data=shuffled(32, DIGITS, LABELS), loss=loss, optimizer=adam, lr=3e-3
    )


def optimizer_that_maximises(*, maximize: bool = True) -> Workload:
    """`maximize=True` came with a snippet from reinforcement learning."""

    def optimizer(model: nn.Module, lr: float) -> Optimizer:
        return Adam(model.parameters(), lr=lr, maximize=maximize)

    return Workload(
        model=lambda: mlp(16, 24, 1, nn.Tanh),
        data=shuffled(32, TABLE, CURVE),
        loss=squared_error,
        optimizer=optimizer,
        lr=1e-3,
    )


class Noisy(nn.Module):
    """Drops inputs and units."""

    def __init__(self, dropped: float) -> None:
        super().__init__()
        self.inner, self.outer, self.dropped = nn.Linear(64, 48), nn.Linear(48, 10), dropped

    def forward(self, rows: Tensor) -> Tensor:
        x = functional.relu(self.inner(functional.dropout(rows, self.dropped)))
        return self.outer(functional.dropout(x, self.dropped))


def dropout_of_what_was_to_be_kept(dropped: float = 0.95) -> Workload:
    """The share to keep was given as the share to drop; and it goes on in evaluation."""
    return Workload(
        model=lambda: Noisy(dropped), data=shuffled(32, DIGITS, LABELS), loss=cross_entropy, optimizer=sgd, lr=0.05
    )


CASES: Final = (
    faulty(
        backward_of_the_wrong_sign,
        "cannot-overfit-batch",
        mended=lambda: backward_of_the_wrong_sign(cross_entropy),
        score=accuracy,
    ),
    faulty(
        inputs_shuffled_without_their_labels,
        "cannot-overfit-batch",
        mended=lambda: inputs_shuffled_without_their_labels(cross_entropy),
        score=accuracy,
    ),
    faulty(
        optimizer_that_maximises,
        "cannot-overfit-batch",
        mended=lambda: optimizer_that_maximises(maximize=False),
        score=explained,
    ),
    faulty(
        dropout_of_what_was_to_be_kept,
        "cannot-overfit-batch",
        mended=lambda: dropout_of_what_was_to_be_kept(0.05),
        score=accuracy,
    ),
)
