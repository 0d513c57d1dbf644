"""Activations at the wrong place: before a loss that applies them again, between layers, over nothing, out of range."""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.labelled.case import faulty
from tests.labelled.faulty_data import log_loss, mlp
from tests.labelled.ingredients import (
    CHARACTERS,
    CURVE,
    DIGITS,
    IMAGES,
    LABELS,
    RISK,
    TABLE,
    accuracy,
    accuracy_alone,
    adam,
    adamw,
    cross_entropy,
    drawn,
    explained,
    momentum,
    sgd,
    shuffled,
    squared_error,
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


def softmax_as_hidden_activation(activation: Activation = lambda: nn.Softmax(dim=-1)) -> Workload:
    """The hidden units share one unit of activation."""
    return Workload(
        model=lambda: mlp(64, 48, 10, activation),
        data=shuffled(32, DIGITS, LABELS),
        loss=cross_entropy,
        optimizer=adam,
        lr=1e-3,
    )


class SharedOut(nn.Module):
    """Hidden units are divided by their sum."""

    def __init__(self, hidden: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.inner, self.middle, self.outer = nn.Linear(16, 40), nn.Linear(40, 40), nn.Linear(40, 1)
        self.hidden = hidden

    def forward(self, rows: Tensor) -> Tensor:
        return self.outer(self.hidden(self.middle(self.hidden(self.inner(rows)))))


def by_hand(x: Tensor) -> Tensor:
    """Softmax in three steps."""
    weights = (x - x.amax(dim=1, keepdim=True)).exp()
    return weights / weights.sum(dim=1, keepdim=True)


def softmax_by_hand_between_layers(hidden: Callable[[Tensor], Tensor] = by_hand) -> Workload:
    """The same, written out."""
    return Workload(
        model=lambda: SharedOut(hidden),
        data=shuffled(32, TABLE, CURVE),
        loss=squared_error,
        optimizer=momentum,
        lr=0.05,
    )


def hidden_softmax_over_the_batch(activation: Activation = lambda: nn.Softmax(dim=0)) -> Workload:
    """The hidden units share out the batch."""
    return Workload(
        model=lambda: mlp(64, 32, 10, activation),
        data=shuffled(32, DIGITS, LABELS),
        loss=cross_entropy,
        optimizer=adam,
        lr=2e-3,
    )


class Normalised(nn.Module):
    """Log-probabilities over one of the axes."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.net, self.dim = mlp(64, 32, 10), dim

    def forward(self, rows: Tensor) -> Tensor:
        return functional.log_softmax(self.net(rows), dim=self.dim)


def _likelihood(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return functional.nll_loss(model(batch[0]), batch[1])


def log_softmax_over_the_batch(dim: int = 0) -> Workload:
    """The rows of the batch compete for each class."""
    return Workload(
        model=lambda: Normalised(dim), data=shuffled(32, DIGITS, LABELS), loss=_likelihood, optimizer=momentum, lr=0.05
    )


def _bce(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return functional.binary_cross_entropy(model(batch[0]), batch[1])


def probable_right(model: nn.Module, batch: tuple[Tensor, Tensor]) -> float:
    """Share of rows whose probability lies on the right side of one half."""
    return float(((model(batch[0]) > 0.5) == (batch[1] > 0.5)).float().mean())


def softmax_over_one_unit(last: Activation = lambda: nn.Softmax(dim=1)) -> Workload:
    """Always one."""
    return Workload(
        model=lambda: nn.Sequential(mlp(16, 24, 1), last()),
        data=shuffled(32, TABLE, RISK),
        loss=_bce,
        optimizer=adam,
        lr=3e-3,
    )


def layer_norm_over_one_unit(last: Activation = lambda: nn.LayerNorm(1)) -> Workload:
    """A single number less its own mean is zero."""
    return Workload(
        model=lambda: nn.Sequential(mlp(16, 24, 1, nn.SiLU), last()),
        data=shuffled(32, TABLE, CURVE),
        loss=squared_error,
        lr=3e-3,
    )


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
    faulty(
        softmax_as_hidden_activation,
        "inner-softmax",
        mended=lambda: softmax_as_hidden_activation(nn.ReLU),
        score=accuracy,
    ),
    faulty(
        softmax_by_hand_between_layers,
        "inner-softmax",
        mended=lambda: softmax_by_hand_between_layers(torch.tanh),
        score=explained,
    ),
    faulty(
        hidden_softmax_over_the_batch,
        "inner-softmax",
        "example-leak",
        mended=lambda: hidden_softmax_over_the_batch(nn.ReLU),
        score=accuracy_alone,
    ),
    faulty(
        log_softmax_over_the_batch,
        "example-leak",
        "inner-softmax",
        mended=lambda: log_softmax_over_the_batch(1),
        score=accuracy_alone,
    ),
    faulty(
        softmax_over_one_unit,
        "constant-output",
        mended=lambda: softmax_over_one_unit(nn.Sigmoid),
        score=probable_right,
    ),
    faulty(
        layer_norm_over_one_unit,
        "constant-output",
        mended=lambda: layer_norm_over_one_unit(nn.Identity),
        score=explained,
    ),
)
