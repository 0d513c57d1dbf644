"""Data that the model cannot take as it is, labels that do not fit it, and draws that no seed repeats."""

import os
from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.labelled.case import faulty
from tests.labelled.ingredients import (
    CURVE,
    DIGITS,
    GROUP,
    IMAGES,
    INK,
    LABELS,
    RISK,
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


def mlp(inputs: int, width: int, outputs: int, activation: Callable[[], nn.Module] = nn.ReLU) -> nn.Module:
    """Build a network of two hidden layers."""
    return nn.Sequential(
        nn.Linear(inputs, width), activation(), nn.Linear(width, width), activation(), nn.Linear(width, outputs)
    )


WITH_GAPS: Final = torch.where(drawn(1024, 16, seed=6) > 2.5, torch.nan, TABLE)


def gaps_in_the_table(rows: Tensor = WITH_GAPS) -> Workload:
    """Missing values came in as NaN."""
    return Workload(model=lambda: mlp(16, 32, 1), data=shuffled(32, rows, CURVE), loss=squared_error, lr=1e-3)


INCOME: Final = torch.cat([TABLE[:, :15], 1e5 * (TABLE[:, 15:] + 2)], dim=1)


def income_beside_ratios(rows: Tensor = INCOME) -> Workload:
    """One column of 1e5 beside fifteen of 1."""
    return Workload(
        model=lambda: mlp(16, 32, 1), data=shuffled(32, rows, CURVE), loss=squared_error, optimizer=adam, lr=1e-3
    )


def pixels_up_to_255(rows: Tensor = INK / 16 * 255) -> Workload:
    """Bytes as floats, straight into a linear layer."""
    return Workload(
        model=lambda: mlp(64, 32, 10), data=shuffled(32, rows, LABELS), loss=cross_entropy, optimizer=momentum, lr=0.05
    )


def pressures_around_1000(rows: Tensor = TABLE + 1000) -> Workload:
    """Readings in hectopascal: a thousand, give or take one."""
    return Workload(model=lambda: mlp(16, 32, 5, nn.GELU), data=shuffled(32, rows, GROUP), loss=cross_entropy, lr=2e-3)


WAVES: Final = torch.sin(
    torch.arange(40) * (0.2 + 0.15 * torch.arange(4).repeat(128)[:, None]) + 6 * drawn(512, 1, seed=7)
)
RECORDINGS: Final = (WAVES + 0.5 * drawn(512, 40, seed=8))[:, None]
RHYTHM: Final = torch.arange(4).repeat(128)


class WaveNet(nn.Module):
    """Two convolutions over time, pooled."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            nn.Conv1d(1, 12, 7, padding=3), nn.ReLU(), nn.Conv1d(12, 12, 7, stride=2, padding=3), nn.ReLU()
        )
        self.head = nn.Linear(12, 4)

    def forward(self, signals: Tensor) -> Tensor:
        return self.head(self.convs(signals).amax(dim=2))


def electrodes_in_volts(signals: Tensor = RECORDINGS * 1e-5) -> Workload:
    """Ten microvolts, stored in volts."""
    return Workload(model=WaveNet, data=shuffled(32, signals, RHYTHM), loss=cross_entropy, optimizer=momentum, lr=0.05)


def log_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Binary cross-entropy of logits."""
    return functional.binary_cross_entropy_with_logits(model(batch[0]), batch[1])


def signed_right(model: nn.Module, batch: tuple[Tensor, Tensor]) -> float:
    """Return how well the probabilities predict, as their Brier score, upside down."""
    truth = (batch[1] > 0).float()
    return float(1 - (torch.sigmoid(model(batch[0])) - truth).square().mean() / 0.25)


def labels_of_minus_one(labels: Tensor = 2 * RISK - 1) -> Workload:
    """-1 and 1 into a loss that takes 0 and 1: it has no lower bound."""
    return Workload(model=lambda: mlp(16, 32, 1), data=shuffled(32, TABLE, labels), loss=log_loss, lr=5e-3)


MASKS: Final = (IMAGES > 0.5).float()
NOISY: Final = IMAGES + 0.8 * drawn(*IMAGES.shape, seed=9)


def pixel_classifier() -> nn.Module:
    """Build a fully convolutional network."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 1, 1),
    )


def masks_of_255(masks: Tensor = 255 * MASKS) -> Workload:
    """Masks read from an image file: 0 and 255 where 0 and 1 are meant."""
    return Workload(model=pixel_classifier, data=shuffled(16, NOISY, masks), loss=log_loss, optimizer=adam, lr=3e-3)


def head_of_a_thousand(classes: int = 1000) -> Workload:
    """The head of another dataset, for ten digits."""
    return Workload(
        model=lambda: mlp(64, 32, classes),
        data=shuffled(32, DIGITS, LABELS),
        loss=cross_entropy,
        optimizer=momentum,
        lr=3e-3,
    )


def head_of_a_hundred(classes: int = 100) -> Workload:
    """A hundred classes were planned, five are in the data."""
    return Workload(
        model=lambda: mlp(16, 24, classes), data=shuffled(32, TABLE, GROUP), loss=cross_entropy, optimizer=sgd, lr=0.02
    )


class Jittered(nn.Module):
    """Adds noise to its inputs while it trains."""

    def __init__(self, generator: torch.Generator | None) -> None:
        super().__init__()
        self.net, self.generator = mlp(64, 24, 10), generator

    def forward(self, rows: Tensor) -> Tensor:
        noise = torch.randn(rows.shape, generator=self.generator) if self.training else torch.zeros_like(rows)
        return self.net(rows + 0.5 * noise)


def noise_of_its_own_generator() -> Workload:
    """Seeded by the operating system: no two runs agree."""

    def model() -> nn.Module:
        return Jittered(torch.Generator().manual_seed(int.from_bytes(os.urandom(4), "big")))

    return Workload(model=model, data=shuffled(32, DIGITS, LABELS), loss=cross_entropy, optimizer=adamw, lr=2e-3)


CASES: Final = (
    faulty(gaps_in_the_table, "non-finite-data", mended=lambda: gaps_in_the_table(WITH_GAPS.nan_to_num())),
    faulty(income_beside_ratios, "input-not-normalized", mended=lambda: income_beside_ratios(TABLE), score=explained),
    faulty(pixels_up_to_255, "input-not-normalized", mended=lambda: pixels_up_to_255(DIGITS), score=accuracy),
    faulty(pressures_around_1000, "input-not-normalized", mended=lambda: pressures_around_1000(TABLE), score=accuracy),
    faulty(
        electrodes_in_volts,
        "input-not-normalized",
        mended=lambda: electrodes_in_volts(RECORDINGS),
        score=accuracy,
    ),
    faulty(labels_of_minus_one, "labels-mismatch", mended=lambda: labels_of_minus_one(RISK), score=signed_right),
    faulty(masks_of_255, "labels-mismatch", mended=lambda: masks_of_255(MASKS), score=signed_right),
    faulty(head_of_a_thousand, "labels-mismatch", mended=lambda: head_of_a_thousand(10), score=accuracy, steps=120),
    faulty(head_of_a_hundred, "labels-mismatch", mended=lambda: head_of_a_hundred(5), steps=120),
    faulty(noise_of_its_own_generator, "not-deterministic"),
)
