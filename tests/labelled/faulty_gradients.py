"""Weights that nothing trains: no gradient reaches them, or no optimizer holds them."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam, AdamW, Optimizer

from tests.labelled.case import faulty
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
    drawn,
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


SIGNALS: Final = drawn(512, 20, 3, seed=5)
TURNS: Final = (SIGNALS[:, 1:, 0] * SIGNALS[:, :-1, 0] > 0).float().mean(dim=1).sub(0.5).gt(0).long()
"""Whether neighbouring values of the first channel have the same sign more often than not."""


class SignalReader(nn.Module):
    """A recurrent encoder with a head."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.GRU(3, 12, batch_first=True)
        self.head = nn.Linear(12, 2)

    def forward(self, signals: Tensor) -> Tensor:
        return self.head(self.encoder(signals)[1][0])


def _head_only(model: nn.Module, lr: float) -> Optimizer:
    return Adam(model.get_submodule("head").parameters(), lr=lr)


def optimizer_over_the_head_alone(optimizer: Callable[[nn.Module, float], Optimizer] = _head_only) -> Workload:
    """The encoder is random and stays so."""
    return Workload(
        model=SignalReader, data=shuffled(32, SIGNALS, TURNS), loss=cross_entropy, optimizer=optimizer, lr=0.01
    )


class ListedBlocks(nn.Module):
    """Blocks in a container, a narrow way in and out."""

    def __init__(self, container: Callable[[list[nn.Linear]], list[nn.Linear]]) -> None:
        super().__init__()
        self.stem = nn.Linear(16, 4)
        self.blocks = container([nn.Linear(4, 32), nn.Linear(32, 32), nn.Linear(32, 4)])
        self.head = nn.Linear(4, 5)

    def forward(self, rows: Tensor) -> Tensor:
        x = self.stem(rows)
        for block in self.blocks:
            x = functional.gelu(block(x))
        return self.head(x)


def layers_in_a_python_list(container: Callable[[list[nn.Linear]], list[nn.Linear]] = list) -> Workload:
    """`parameters()` does not see them."""
    return Workload(model=lambda: ListedBlocks(container), data=shuffled(16, TABLE, GROUP), loss=cross_entropy, lr=3e-3)


class NormedMlp(nn.Module):
    """Two hidden layers with normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.inner_norm = nn.Linear(16, 24), nn.LayerNorm(24)
        self.outer, self.outer_norm = nn.Linear(24, 24), nn.LayerNorm(24)
        self.head = nn.Linear(24, 1)

    def forward(self, rows: Tensor) -> Tensor:
        x = functional.silu(self.inner_norm(self.inner(rows)))
        return self.head(functional.silu(self.outer_norm(self.outer(x))))


def _groups(model: nn.Module, lr: float, decaying: str) -> Optimizer:
    named = list(model.named_parameters())
    decay = [one for name, one in named if name.endswith(decaying) and "norm" not in name]
    rest = [one for name, one in named if "norm" in name or name.endswith("bias")]
    return AdamW([{"params": decay, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}], lr=lr)


def parameter_group_that_matches_nothing(decaying: str = "kernel") -> Workload:
    """The name filter of the decaying group comes from another framework: the weight matrices are in no group."""

    def optimizer(model: nn.Module, lr: float) -> Optimizer:
        return _groups(model, lr, decaying)

    return Workload(model=NormedMlp, data=shuffled(32, TABLE, CURVE), loss=squared_error, optimizer=optimizer, lr=3e-3)


class Projecting(nn.Module):
    """Projects to a few numbers, then classifies."""

    def __init__(self, *, built_once: bool) -> None:
        super().__init__()
        self.projection = nn.Linear(64, 16) if built_once else None
        self.head = nn.Sequential(nn.ReLU(), nn.Linear(16, 10))

    def forward(self, rows: Tensor) -> Tensor:
        projection = self.projection or nn.Linear(64, 16)
        return self.head(projection(rows))


def layer_built_in_forward(*, built_once: bool = False) -> Workload:
    """Another random projection at every call."""
    return Workload(
        model=lambda: Projecting(built_once=built_once),
        data=shuffled(32, DIGITS, LABELS),
        loss=cross_entropy,
        optimizer=momentum,
        lr=0.05,
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
    faulty(
        optimizer_over_the_head_alone,
        "not-optimized",
        mended=lambda: optimizer_over_the_head_alone(adam),
        score=accuracy,
        steps=400,
    ),
    faulty(
        layers_in_a_python_list,
        "not-optimized",
        mended=lambda: layers_in_a_python_list(nn.ModuleList),  # type: ignore[arg-type]
        score=accuracy,
    ),
    faulty(
        parameter_group_that_matches_nothing,
        "not-optimized",
        mended=lambda: parameter_group_that_matches_nothing("weight"),
        score=explained,
    ),
    faulty(
        layer_built_in_forward,
        "not-optimized",
        mended=lambda: layer_built_in_forward(built_once=True),
        score=accuracy,
    ),
)
