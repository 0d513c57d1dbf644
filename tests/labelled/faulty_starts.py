"""Initial weights that are too large, too small, or all the same."""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.labelled.case import faulty
from tests.labelled.ingredients import (
    CHARACTERS,
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
    next_character,
    sgd,
    shuffled,
    squared_error,
    windows,
)
from trainsense import Workload


def _default(weight: Tensor) -> None:
    pass


def _unit(weight: Tensor) -> None:
    nn.init.normal_(weight)


def _thousandth(weight: Tensor) -> None:
    nn.init.normal_(weight, std=1e-3)


def _half(weight: Tensor) -> None:
    nn.init.constant_(weight, 0.05)


def _tiled(weight: Tensor) -> None:
    weight.copy_(weight[:1, :1].clone().expand_as(weight))


def started(net: nn.Module, start: Callable[[Tensor], None], *, biases: bool = False) -> nn.Module:
    """Start every weight matrix of `net`, and zero its biases if asked to."""
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.dim() > 1:
                start(parameter)
            elif biases:
                parameter.zero_()
    return net


def unit_weights_at_width_256(start: Callable[[Tensor], None] = _unit) -> Workload:
    """`nn.init.normal_` without a standard deviation: each layer multiplies by eleven."""

    def model() -> nn.Module:
        layers = (nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU())
        return started(nn.Sequential(*layers, nn.Linear(256, 10)), start)

    return Workload(model=model, data=shuffled(16, DIGITS, LABELS), loss=cross_entropy, optimizer=adam, lr=1e-3)


def weights_of_a_thousandth(start: Callable[[Tensor], None] = _thousandth) -> Workload:
    """Four layers of nearly nothing."""

    def model() -> nn.Module:
        layers = (nn.Linear(16, 48), nn.GELU(), nn.Linear(48, 48), nn.GELU(), nn.Linear(48, 48), nn.GELU())
        return started(nn.Sequential(*layers, nn.Linear(48, 5)), start, biases=True)

    return Workload(model=model, data=shuffled(32, TABLE, GROUP), loss=cross_entropy, optimizer=momentum, lr=0.02)


class TiedModel(nn.Module):
    """A recurrent language model whose output weights are its embedding."""

    def __init__(self, std: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(CHARACTERS, 64)
        nn.init.normal_(self.embedding.weight, std=std)
        self.cells, self.out, self.norm = nn.GRU(64, 64, batch_first=True), nn.Linear(64, 64), nn.LayerNorm(64)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embedding(tokens)
        x = self.norm(x + self.out(self.cells(x)[0]))
        return functional.linear(x, self.embedding.weight)


def next_right(model: nn.Module, batch: Any) -> float:
    """Share of characters that are predicted."""
    return float((model(batch["tokens"]).argmax(dim=-1) == batch["targets"]).float().mean())


def tied_embedding_far_too_large(std: float = 4.0) -> Workload:
    """What is harmless as an embedding makes logits of 30 as output weights."""
    return Workload(model=lambda: TiedModel(std), data=windows(8, 16), loss=next_character, optimizer=adam, lr=3e-3)


def constant_weights(start: Callable[[Tensor], None] = _half) -> Workload:
    """All units of a layer are the same, and stay so."""

    def model() -> nn.Module:
        net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 10))
        return started(net, start, biases=True)

    return Workload(model=model, data=shuffled(32, DIGITS, LABELS), loss=cross_entropy, optimizer=adam, lr=3e-3)


class ZeroStart(nn.Module):
    """A network that was meant to start from zero output."""

    def __init__(self, zeroed: tuple[str, ...]) -> None:
        super().__init__()
        self.inner, self.middle, self.outer = nn.Linear(16, 32), nn.Linear(32, 32), nn.Linear(32, 1)
        for name in zeroed:
            for parameter in self.get_submodule(name).parameters():
                nn.init.zeros_(parameter)

    def forward(self, rows: Tensor) -> Tensor:
        return self.outer(torch.tanh(self.middle(torch.tanh(self.inner(rows)))))


def zeros_everywhere(zeroed: tuple[str, ...] = ("inner", "middle", "outer")) -> Workload:
    """Only the last bias learns."""
    return Workload(
        model=lambda: ZeroStart(zeroed), data=shuffled(32, TABLE, CURVE), loss=squared_error, optimizer=sgd, lr=0.1
    )


class FilterBank(nn.Module):
    """Filters as bare parameters."""

    def __init__(self, start: Callable[[Tensor], None]) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.randn(8, 1, 3, 3) / 3)
        self.second = nn.Parameter(torch.randn(16, 8, 3, 3) / 72**0.5)
        self.head = nn.Linear(16, 10)
        with torch.no_grad():
            start(self.first)
            start(self.second)
            start(self.head.weight)

    def forward(self, images: Tensor) -> Tensor:
        x = functional.silu(functional.conv2d(images, self.first, padding=1))
        x = functional.silu(functional.conv2d(x, self.second, stride=2, padding=1))
        return self.head(x.mean(dim=(2, 3)))


def filters_that_are_copies(start: Callable[[Tensor], None] = _tiled) -> Workload:
    """Every layer starts as copies of one filter: sixteen filters do the work of one."""
    return Workload(
        model=lambda: FilterBank(start), data=shuffled(32, IMAGES, LABELS), loss=cross_entropy, optimizer=adam, lr=0.01
    )


CASES: Final = (
    faulty(
        unit_weights_at_width_256,
        "bad-init-scale",
        "exploding-gradient",
        "bad-initial-loss",
        mended=lambda: unit_weights_at_width_256(_default),
        score=accuracy,
        steps=150,
    ),
    faulty(
        weights_of_a_thousandth,
        "bad-init-scale",
        "vanishing-gradient",
        mended=lambda: weights_of_a_thousandth(_default),
        score=accuracy,
    ),
    faulty(
        tied_embedding_far_too_large,
        "bad-initial-loss",
        "bad-init-scale",
        mended=lambda: tied_embedding_far_too_large(0.1),
        score=next_right,
    ),
    faulty(constant_weights, "symmetric-init", mended=lambda: constant_weights(_default), score=accuracy),
    faulty(
        zeros_everywhere,
        "symmetric-init",
        "no-gradient",
        mended=lambda: zeros_everywhere(("outer",)),
        score=explained,
    ),
    faulty(
        filters_that_are_copies,
        "symmetric-init",
        mended=lambda: filters_that_are_copies(_default),
        score=accuracy,
    ),
)
