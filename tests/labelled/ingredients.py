"""What the workloads are made of: data that never changes, batches drawn under the seed, common losses and scores."""

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam, AdamW, Optimizer

Batches = Callable[[], Iterator[Any]]
_DIGITS = load_digits()
INK: Final = torch.tensor(_DIGITS.data, dtype=torch.float32)
"""The digits as they are stored, (1797, 64), values from 0 to 16."""
DIGITS: Final = (INK - INK.mean()) / INK.std()
"""The digits, standardised as a whole, (1797, 64)."""
IMAGES: Final = DIGITS.reshape(-1, 1, 8, 8)
LABELS: Final = torch.tensor(_DIGITS.target)
"""Which digit it is, (1797,)."""


def drawn(*shape: int, seed: int = 0) -> Tensor:
    """Return standard normal numbers, the same at every call."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


TABLE: Final = drawn(1024, 16)
"""Columns of a table, standard normal."""
CURVE: Final = torch.tanh(TABLE @ drawn(16, 8, seed=1) / 2) @ drawn(8, 1, seed=2) / 2 + 0.05 * drawn(1024, 1, seed=3)
"""A smooth function of the table, (1024, 1), of about unit variance."""
RISK: Final = (CURVE > 0).float()
"""Whether the function is positive, (1024, 1)."""
GROUP: Final = (TABLE[:, :8] @ drawn(8, 5, seed=4)).argmax(dim=1)
"""One of five classes, (1024,)."""
_TEXT = Path(textwrap.__file__).read_text(encoding="utf-8")[:16000]
_ALPHABET = sorted(set(_TEXT))
CHARACTERS: Final = len(_ALPHABET)
TEXT: Final = torch.tensor([_ALPHABET.index(character) for character in _TEXT])
"""Characters of a source file of the standard library, as numbers."""


def shuffled(size: int, *tensors: Tensor) -> Batches:
    """Return a source of batches of `size` rows in a new order at every pass; an incomplete last one is dropped."""

    def batches() -> Iterator[tuple[Tensor, ...]]:
        order = torch.randperm(len(tensors[0]))
        for rows in order[: len(order) // size * size].reshape(-1, size):
            yield tuple(tensor[rows] for tensor in tensors)

    return batches


def windows(size: int, length: int) -> Batches:
    """Return a source of batches of `size` stretches of text, and the same shifted by one character."""

    def batches() -> Iterator[dict[str, Tensor]]:
        for _ in range(100):
            starts = torch.randint(len(TEXT) - length - 1, (size, 1))
            places = starts + torch.arange(length)
            yield {"tokens": TEXT[places], "targets": TEXT[places + 1]}

    return batches


def cross_entropy(model: nn.Module, batch: Any) -> Tensor:
    """Cross-entropy of the model's logits."""
    return functional.cross_entropy(model(batch[0]), batch[1])


def squared_error(model: nn.Module, batch: Any) -> Tensor:
    """Mean squared error."""
    return functional.mse_loss(model(batch[0]), batch[1])


def next_character(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """Cross-entropy of the next character."""
    return functional.cross_entropy(model(batch["tokens"]).flatten(0, 1), batch["targets"].flatten())


def accuracy(model: nn.Module, batch: Any) -> float:
    """Share of examples whose largest output is the right class."""
    return float((model(batch[0]).argmax(dim=1) == batch[1]).float().mean())


def accuracy_alone(model: nn.Module, batch: Any) -> float:
    """Return the same with one example at a time: what a deployed model sees."""
    right = [model(one[None]).argmax() == label for one, label in zip(batch[0], batch[1], strict=True)]
    return float(torch.stack(right).float().mean())


def explained(model: nn.Module, batch: Any) -> float:
    """Explained share of the targets' variance, at least -1."""
    target = batch[1].flatten()
    return max(-1.0, float(1 - (model(batch[0]).flatten() - target).square().mean() / target.var()))


def adam(model: nn.Module, lr: float) -> Optimizer:
    """Return Adam over all parameters."""
    return Adam(model.parameters(), lr=lr)


def adamw(model: nn.Module, lr: float) -> Optimizer:
    """Return AdamW over all parameters."""
    return AdamW(model.parameters(), lr=lr)


def momentum(model: nn.Module, lr: float) -> Optimizer:
    """Return SGD with momentum over all parameters."""
    return SGD(model.parameters(), lr=lr, momentum=0.9)


def sgd(model: nn.Module, lr: float) -> Optimizer:
    """Return SGD over all parameters."""
    return SGD(model.parameters(), lr=lr)
