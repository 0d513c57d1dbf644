"""Weights that no gradient reaches."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.labelled.case import faulty
from tests.labelled.ingredients import (
    CURVE,
    DIGITS,
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

WORDS: Final = torch.randint(40, (1024, 12), generator=torch.Generator().manual_seed(0))


TOPIC: Final = functional.one_hot(WORDS % 4, 4).sum(dim=1).argmax(dim=1)
"""Which of four kinds of words is the most frequent."""


class PooledCnn(nn.Module):
    """Convolutions, their mean over the image, a linear head."""

    def __init__(self, passed_on: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 3, padding=1)
        self.body = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.head = nn.Linear(16, 10)
        self.passed_on = passed_on

    def forward(self, images: Tensor) -> Tensor:
        x = functional.relu(self.body(functional.relu(self.stem(images))))
        return self.head(self.passed_on(x.mean(dim=(2, 3))))


def features_detached_before_the_head(passed_on: Callable[[Tensor], Tensor] = Tensor.detach) -> Workload:
    """Left over from debugging."""
    return Workload(
        model=lambda: PooledCnn(passed_on),
        data=shuffled(32, IMAGES, LABELS),
        loss=cross_entropy,
        optimizer=adam,
        lr=0.01,
    )


class Bottleneck(nn.Module):
    """An encoder to four numbers and a regressor, which are meant to train together."""

    def __init__(self, *, trains: bool) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 4))
        self.regressor = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1))
        self.trains = trains

    def forward(self, rows: Tensor) -> Tensor:
        with torch.set_grad_enabled(self.trains and torch.is_grad_enabled()):
            code = self.encoder(rows)
        return self.regressor(code)


def encoder_under_no_grad(*, trains: bool = False) -> Workload:
    """The optimizer holds the encoder, `torch.no_grad` keeps every gradient from it."""
    return Workload(
        model=lambda: Bottleneck(trains=trains),
        data=shuffled(32, TABLE, CURVE),
        loss=squared_error,
        optimizer=momentum,
        lr=0.02,
    )


class Binarised(nn.Module):
    """Hidden units that are either -1 or 1."""

    def __init__(self, binary: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.inner, self.outer, self.binary = nn.Linear(64, 12), nn.Linear(12, 10), binary

    def forward(self, rows: Tensor) -> Tensor:
        return self.outer(self.binary(self.inner(rows)))


def straight_through(x: Tensor) -> Tensor:
    """Give the sign, with the gradient of the identity."""
    return x + (x.sign() - x).detach()


def sign_without_straight_through(binary: Callable[[Tensor], Tensor] = torch.sign) -> Workload:
    """The sign's gradient is zero everywhere."""
    return Workload(
        model=lambda: Binarised(binary), data=shuffled(32, DIGITS, LABELS), loss=cross_entropy, optimizer=adam, lr=0.01
    )


class TopicReader(nn.Module):
    """The mean of word vectors names the topic."""

    def __init__(self, table: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.words, self.head, self.table = nn.Embedding(40, 3), nn.Linear(3, 4), table

    def forward(self, words: Tensor) -> Tensor:
        vectors = self.table(self.words.weight)[words]
        return self.head(vectors.mean(dim=1))


def embedding_read_through_data(table: Callable[[Tensor], Tensor] = lambda weight: weight.data) -> Workload:
    """`embedding.weight.data[tokens]` looks up the rows behind autograd's back."""
    return Workload(
        model=lambda: TopicReader(table), data=shuffled(32, WORDS, TOPIC), loss=cross_entropy, optimizer=adam, lr=0.02
    )


CASES: Final = (
    faulty(
        features_detached_before_the_head,
        "no-gradient",
        mended=lambda: features_detached_before_the_head(lambda x: x),
        score=accuracy,
    ),
    faulty(encoder_under_no_grad, "no-gradient", mended=lambda: encoder_under_no_grad(trains=True), score=explained),
    faulty(
        sign_without_straight_through,
        "no-gradient",
        "vanishing-gradient",
        mended=lambda: sign_without_straight_through(straight_through),
        score=accuracy,
    ),
    faulty(
        embedding_read_through_data,
        "no-gradient",
        mended=lambda: embedding_read_through_data(lambda weight: weight),
        score=accuracy,
    ),
)
