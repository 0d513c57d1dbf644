"""Sound: data and targets of unusual scale and shape that the model copes with."""

from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.labelled.case import sound
from tests.labelled.faulty_data import INCOME, log_loss, mlp
from tests.labelled.faulty_gradients import WORDS
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
    cross_entropy,
    drawn,
    explained,
    momentum,
    shuffled,
    squared_error,
)
from trainsense import Workload


def digits_from_0_to_16(rows: Tensor = INK) -> Workload:
    """Neither centred nor scaled, and Adam does not mind."""
    return Workload(
        model=lambda: mlp(64, 48, 10), data=shuffled(32, rows, LABELS), loss=cross_entropy, optimizer=adam, lr=2e-3
    )


class FromBytes(nn.Module):
    """Takes bytes and scales them itself."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.Linear(128, 10)

    def forward(self, images: Tensor) -> Tensor:
        x = images.float() / 127.5 - 1
        return self.head(functional.relu(self.conv(x)).flatten(1))


def bytes_scaled_inside_the_model() -> Workload:
    """Inputs of 0 to 255 that no layer ever sees."""
    pixels = (INK / 16 * 255).to(torch.uint8).reshape(-1, 1, 8, 8)
    return Workload(model=FromBytes, data=shuffled(32, pixels, LABELS), loss=cross_entropy, optimizer=adam, lr=3e-3)


def incomes_behind_a_batch_norm() -> Workload:
    """One column of 1e5, and a normalising layer before the first linear one."""
    return Workload(
        model=lambda: nn.Sequential(nn.BatchNorm1d(16), mlp(16, 32, 1)),
        data=shuffled(32, INCOME, CURVE),
        loss=squared_error,
        optimizer=adam,
        lr=3e-3,
    )


class Centred(nn.Module):
    """Standardises by constants of the training set, kept as buffers."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", INCOME.mean(dim=0))
        self.register_buffer("std", INCOME.std(dim=0))
        self.net = mlp(16, 32, 1)

    def forward(self, rows: Tensor) -> Tensor:
        return self.net((rows - self.get_buffer("mean")) / self.get_buffer("std"))


def incomes_standardised_by_buffers() -> Workload:
    """The mean is that of the training set, not of the batch."""
    return Workload(model=Centred, data=shuffled(32, INCOME, CURVE), loss=squared_error, optimizer=momentum, lr=0.02)


COUNTS: Final = functional.one_hot(WORDS, 200).sum(dim=1).float()
BAGS: Final = torch.cat([COUNTS, functional.one_hot(torch.arange(1024) % 50, 50).float()], dim=1)


def sparse_bags_of_words() -> Workload:
    """250 columns of nearly only zeros, many of them constant."""
    topic = functional.one_hot(WORDS % 4, 4).sum(dim=1).argmax(dim=1)
    return Workload(
        model=lambda: mlp(250, 32, 4), data=shuffled(32, BAGS, topic), loss=cross_entropy, optimizer=adam, lr=5e-3
    )


def targets_of_standard_deviation_100() -> Workload:
    """Mean squared error with large targets, and an lr that fits."""
    return Workload(
        model=lambda: mlp(16, 64, 1),
        data=shuffled(32, TABLE, 100 * CURVE / CURVE.std()),
        loss=squared_error,
        optimizer=adam,
        lr=0.02,
    )


def mean_of_the_targets_as_bias() -> Workload:
    """Targets of 300 plus or minus 20, and an output bias that starts there."""

    def model() -> nn.Module:
        net = mlp(16, 48, 1)
        nn.init.constant_(net[-1].bias, 300.0)  # type: ignore[index]
        return net

    return Workload(
        model=model, data=shuffled(32, TABLE, 300 + 20 * CURVE), loss=squared_error, optimizer=adam, lr=0.02
    )


class Categories(nn.Module):
    """Numbers and categories of a table."""

    def __init__(self) -> None:
        super().__init__()
        self.shop, self.day = nn.Embedding(3000, 8), nn.Embedding(7, 4)
        self.net = mlp(28, 32, 1)

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        parts = [batch["numbers"], self.shop(batch["shop"]), self.day(batch["day"])]
        return self.net(torch.cat(parts, dim=1)).squeeze(-1)


SHOP: Final = torch.randint(3000, (1024,), generator=torch.Generator().manual_seed(2))
DAY: Final = torch.arange(1024) % 7


def _named(size: int) -> Any:
    source = shuffled(size, TABLE, SHOP, DAY, CURVE[:, 0] + DAY / 7)
    names = ("numbers", "shop", "day", "sales")
    return lambda: (dict(zip(names, row, strict=True)) for row in source())


def categories_as_large_integers() -> Workload:
    """Identifiers up to 3000 go into an embedding, not into a linear layer; predictions and targets are both (N,)."""

    def loss(model: nn.Module, batch: Any) -> Tensor:
        return functional.smooth_l1_loss(model(batch), batch["sales"])

    return Workload(model=Categories, data=_named(32), loss=loss, optimizer=adam, lr=5e-3)


RARE: Final = (CURVE[:, 0] > CURVE.quantile(0.95)).float()


def one_positive_in_twenty() -> Workload:
    """The initial loss lies above the label entropy, as it must for rare positives."""

    def loss(model: nn.Module, batch: Any) -> Tensor:
        return functional.binary_cross_entropy_with_logits(model(batch[0]).squeeze(1), batch[1])

    return Workload(model=lambda: mlp(16, 32, 1), data=shuffled(64, TABLE, RARE), loss=loss, optimizer=adam, lr=5e-3)


def classes_of_very_different_size() -> Workload:
    """Ten classes, of which one has nine tenths of the examples."""
    labels = torch.where(TABLE[:, 0] > 1.3, 1 + TABLE[:, 1:10].argmax(dim=1), 0)
    return Workload(
        model=lambda: mlp(16, 32, 10), data=shuffled(32, TABLE, labels), loss=cross_entropy, optimizer=adam, lr=5e-3
    )


HUNDRED: Final = torch.arange(1024) % 100
SCATTERED: Final = 1.5 * drawn(100, 16, seed=33)[HUNDRED] + 0.4 * drawn(1024, 16, seed=34)


def hundred_classes_in_batches_of_sixteen() -> Workload:
    """A batch holds a sixth of the classes at most."""
    return Workload(
        model=lambda: mlp(16, 64, 100),
        data=shuffled(16, SCATTERED, HUNDRED),
        loss=cross_entropy,
        optimizer=adam,
        lr=5e-3,
    )


def labels_flipped_at_random() -> Workload:
    """Three in ten labels are wrong: the loss stays high, and nothing is broken."""
    flipped = torch.where(drawn(1024, seed=22) > 0.53, torch.arange(1024) % 5, GROUP)
    return Workload(
        model=lambda: mlp(16, 32, 5), data=shuffled(32, TABLE, flipped), loss=cross_entropy, optimizer=adam, lr=3e-3
    )


def soft_and_smoothed_labels() -> Workload:
    """Label smoothing keeps the loss from reaching zero."""

    def loss(model: nn.Module, batch: Any) -> Tensor:
        return functional.cross_entropy(model(batch[0]), batch[1], label_smoothing=0.1)

    return Workload(
        model=lambda: mlp(64, 48, 10), data=shuffled(32, DIGITS, LABELS), loss=loss, optimizer=momentum, lr=0.05
    )


def soft_binary_targets() -> Workload:
    """Targets between 0 and 1 that are no labels, with the loss of logits."""
    return Workload(
        model=lambda: mlp(16, 32, 1),
        data=shuffled(32, TABLE, 0.05 + 0.9 * RISK),
        loss=log_loss,
        optimizer=adam,
        lr=5e-3,
    )


def pixels_as_a_mask() -> Workload:
    """A mask of 0 and 1, mostly 0, from a small convolutional network."""

    def model() -> nn.Module:
        return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))

    noisy, mask = IMAGES + 0.5 * drawn(*IMAGES.shape, seed=23), (IMAGES > 0.9).float()
    return Workload(model=model, data=shuffled(16, noisy, mask), loss=log_loss, optimizer=adam, lr=0.01)


CASES: Final = (
    sound(
        digits_from_0_to_16,
        "input-not-normalized",
        "bad-initial-loss",
        plain=lambda: digits_from_0_to_16(DIGITS),
        score=accuracy,
    ),
    sound(bytes_scaled_inside_the_model, "input-not-normalized", score=accuracy),
    sound(incomes_behind_a_batch_norm, "input-not-normalized", score=explained),
    sound(incomes_standardised_by_buffers, "input-not-normalized", "example-leak", score=explained),
    sound(sparse_bags_of_words, "input-not-normalized", "ignores-input", "no-gradient", score=accuracy),
    sound(targets_of_standard_deviation_100, "bad-initial-loss", "exploding-gradient", score=explained),
    sound(mean_of_the_targets_as_bias, "bad-initial-loss", "input-not-normalized", score=explained),
    sound(categories_as_large_integers, "input-not-normalized", "broadcast-loss"),
    sound(one_positive_in_twenty, "bad-initial-loss", "labels-mismatch"),
    sound(classes_of_very_different_size, "labels-mismatch", "bad-initial-loss"),
    sound(hundred_classes_in_batches_of_sixteen, "labels-mismatch", score=accuracy),
    sound(labels_flipped_at_random, "cannot-overfit-batch", score=accuracy),
    sound(soft_and_smoothed_labels, "cannot-overfit-batch", "bad-initial-loss", score=accuracy),
    sound(soft_binary_targets, "labels-mismatch", "cannot-overfit-batch"),
    sound(pixels_as_a_mask, "labels-mismatch"),
)
