"""Activations before a loss that applies them again."""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.labelled.case import faulty
from tests.labelled.faulty_data import log_loss, mlp
from tests.labelled.ingredients import (
    CHARACTERS,
    DIGITS,
    IMAGES,
    LABELS,
    RISK,
    TABLE,
    accuracy,
    adamw,
    cross_entropy,
    drawn,
    sgd,
    shuffled,
    windows,
)
from trainsense import Workload

Activation = Callable[[], nn.Module]


def softmax_before_cross_entropy(last: Activation = lambda: nn.Softmax(dim=1)) -> Workload:
    """Probabilities where logits are meant."""

    def model() -> nn.Module:
        return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10), last())

    return Workload(model=model, data=shuffled(32, DIGITS, LABELS), loss=cross_entropy, optimizer=sgd, lr=0.05)


def confident_right(model: nn.Module, batch: tuple[Tensor, Tensor]) -> float:
    """Share of rows whose predicted probability lies on the right side of one half."""
    return float(((torch.sigmoid(model(batch[0])) > 0.5) == (batch[1] > 0.5)).float().mean())


def sigmoid_before_log_loss_of_logits(last: Activation = nn.Sigmoid) -> Workload:
    """The loss applies the sigmoid again: no probability can fall below one half."""
    return Workload(
        model=lambda: nn.Sequential(mlp(16, 24, 1), last()), data=shuffled(32, TABLE, RISK), loss=log_loss, lr=3e-3
    )


class Segmenter(nn.Module):
    """Three kinds of pixels: paper, grey, ink."""

    def __init__(self, *, normalised: bool) -> None:
        super().__init__()
        self.down, self.mid, self.up = (
            nn.Conv2d(1, 12, 3, padding=1),
            nn.Conv2d(12, 12, 3, padding=1),
            nn.Conv2d(12, 3, 1),
        )
        self.normalised = normalised

    def forward(self, images: Tensor) -> Tensor:
        logits = self.up(functional.relu(self.mid(functional.relu(self.down(images)))))
        return logits.softmax(dim=1) if self.normalised else logits


KINDS: Final = (IMAGES[:, 0] > -0.6).long() + (IMAGES[:, 0] > 1.6).long()


BLURRED: Final = IMAGES + 0.3 * drawn(*IMAGES.shape, seed=10)


def pixelwise_softmax_before_cross_entropy(*, normalised: bool = True) -> Workload:
    """The same per pixel, in a functional forward."""
    return Workload(
        model=lambda: Segmenter(normalised=normalised),
        data=shuffled(16, BLURRED, KINDS),
        loss=cross_entropy,
        optimizer=sgd,
        lr=0.1,
    )


class CharacterModel(nn.Module):
    """A recurrent language model that returns a dict."""

    def __init__(self, last: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.embedding, self.cells = nn.Embedding(CHARACTERS, 24), nn.GRU(24, 48, batch_first=True)
        self.head, self.last = nn.Linear(48, CHARACTERS), last

    def forward(self, tokens: Tensor) -> dict[str, Tensor]:
        return {"prediction": self.last(self.head(self.cells(self.embedding(tokens))[0]))}


def _text_loss(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    prediction = model(batch["tokens"])["prediction"]
    return functional.cross_entropy(prediction.reshape(-1, CHARACTERS), batch["targets"].reshape(-1))


def next_right(model: nn.Module, batch: Any) -> float:
    """Share of characters that are predicted."""
    return float((model(batch["tokens"])["prediction"].argmax(dim=-1) == batch["targets"]).float().mean())


def language_model_of_probabilities(last: Callable[[Tensor], Tensor] = lambda x: x.softmax(dim=-1)) -> Workload:
    """Over 86 characters the loss can hardly move."""
    return Workload(model=lambda: CharacterModel(last), data=windows(8, 16), loss=_text_loss, optimizer=adamw, lr=5e-3)


CASES: Final = (
    faulty(
        softmax_before_cross_entropy,
        "double-softmax",
        mended=lambda: softmax_before_cross_entropy(nn.Identity),
        score=accuracy,
    ),
    faulty(
        sigmoid_before_log_loss_of_logits,
        "double-softmax",
        mended=lambda: sigmoid_before_log_loss_of_logits(nn.Identity),
        score=confident_right,
    ),
    faulty(
        pixelwise_softmax_before_cross_entropy,
        "double-softmax",
        mended=lambda: pixelwise_softmax_before_cross_entropy(normalised=False),
        score=accuracy,
    ),
    faulty(
        language_model_of_probabilities,
        "double-softmax",
        mended=lambda: language_model_of_probabilities(lambda x: x),
        score=next_right,
    ),
)
