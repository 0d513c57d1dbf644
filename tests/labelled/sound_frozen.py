"""Sound: weights that are left out on purpose."""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, AdamW, Optimizer

from tests.labelled.case import sound
from tests.labelled.faulty_data import mlp
from tests.labelled.faulty_gradients import TOPIC, WORDS, Binarised, straight_through
from tests.labelled.ingredients import (
    CURVE,
    DIGITS,
    GROUP,
    IMAGES,
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


class FrozenBackbone(nn.Module):
    """A fixed feature extractor with a head that trains."""

    def __init__(self, *, switched_off: bool) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        self.head = nn.Linear(512, 10)
        self.backbone.requires_grad_(False)
        self.switched_off = switched_off

    def forward(self, images: Tensor) -> Tensor:
        if self.switched_off:
            with torch.no_grad():
                features = self.backbone(images)
        else:
            features = self.backbone(images)
        return self.head(features)


def _trainable(model: nn.Module, lr: float) -> Optimizer:
    return AdamW([weight for weight in model.parameters() if weight.requires_grad], lr=lr)


def backbone_that_requires_no_gradient() -> Workload:
    """Its parameters are rightly left out of the optimizer."""
    return Workload(
        model=lambda: FrozenBackbone(switched_off=False),
        data=shuffled(32, IMAGES, LABELS),
        loss=cross_entropy,
        optimizer=_trainable,
        lr=3e-3,
    )


def backbone_under_no_grad() -> Workload:
    """The same, run without a graph, and all parameters handed to the optimizer."""
    return Workload(
        model=lambda: FrozenBackbone(switched_off=True),
        data=shuffled(32, IMAGES, LABELS),
        loss=cross_entropy,
        optimizer=momentum,
        lr=0.02,
    )


class Adapted(nn.Module):
    """A fixed layer with a low-rank correction that starts at zero (LoRA)."""

    def __init__(self, inputs: int, outputs: int, rank: int = 4) -> None:
        super().__init__()
        self.base = nn.Linear(inputs, outputs).requires_grad_(False)
        self.down, self.up = (
            nn.Parameter(torch.randn(rank, inputs) / inputs**0.5),
            nn.Parameter(torch.zeros(outputs, rank)),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + 2 * functional.linear(functional.linear(x, self.down), self.up)


def low_rank_adapters() -> Workload:
    """Half of the trainable matrices are zero, and half get no gradient at the first step."""
    return Workload(
        model=lambda: nn.Sequential(Adapted(64, 48), nn.ReLU(), Adapted(48, 48), nn.ReLU(), nn.Linear(48, 10)),
        data=shuffled(32, DIGITS, LABELS),
        loss=cross_entropy,
        optimizer=_trainable,
        lr=5e-3,
    )


class WithSpare(nn.Module):
    """A network with a head that this training has no use for."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head, self.auxiliary = mlp(16, 32, 32), nn.Linear(32, 5), nn.Linear(32, 3)

    def forward(self, rows: Tensor) -> Tensor:
        return self.head(functional.relu(self.body(rows)))


def auxiliary_head_that_is_not_used() -> Workload:
    """It gets no gradient, and needs none."""
    return Workload(model=WithSpare, data=shuffled(32, TABLE, GROUP), loss=cross_entropy, optimizer=adam, lr=3e-3)


def straight_through_signs() -> Workload:
    """Binary units with the gradient of the identity."""
    return Workload(
        model=lambda: Binarised(straight_through),
        data=shuffled(32, DIGITS, LABELS),
        loss=cross_entropy,
        optimizer=adam,
        lr=0.01,
    )


class WordMean(nn.Module):
    """The mean of word vectors, from a vocabulary far larger than the data's."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.head = nn.Embedding(500, 16, padding_idx=0), nn.Linear(16, 4)

    def forward(self, words: Tensor) -> Tensor:
        return self.head(self.words(words + 1).mean(dim=1))


def embedding_with_unused_rows() -> Workload:
    """Of 500 rows 40 are ever read; the others get a gradient of zero."""
    return Workload(model=WordMean, data=shuffled(32, WORDS, TOPIC), loss=cross_entropy, optimizer=adam, lr=0.02)


def _two_rates(model: nn.Module, lr: float) -> Optimizer:
    matrices = [weight for weight in model.parameters() if weight.dim() > 1]
    rest = [weight for weight in model.parameters() if weight.dim() <= 1]
    return SGD([{"params": matrices, "weight_decay": 1e-4}, {"params": rest, "lr": 2 * lr}], lr=lr, momentum=0.9)


def two_parameter_groups() -> Workload:
    """Every parameter is in one of them."""
    return Workload(
        model=lambda: mlp(16, 32, 1, nn.SiLU),
        data=shuffled(32, TABLE, CURVE),
        loss=squared_error,
        optimizer=_two_rates,
        lr=0.02,
    )


CASES: Final = (
    sound(backbone_that_requires_no_gradient, "not-optimized", "no-gradient", score=accuracy),
    sound(backbone_under_no_grad, "no-gradient", "not-optimized", score=accuracy),
    sound(low_rank_adapters, "not-optimized", "no-gradient", "symmetric-init", score=accuracy),
    sound(auxiliary_head_that_is_not_used, "no-gradient", score=accuracy),
    sound(straight_through_signs, "no-gradient", "cannot-overfit-batch", score=accuracy),
    sound(embedding_with_unused_rows, "no-gradient", "not-optimized", score=accuracy),
    sound(two_parameter_groups, "not-optimized", score=explained),
)
