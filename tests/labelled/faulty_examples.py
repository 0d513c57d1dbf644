"""Predictions that ignore the input, and predictions that look at the neighbours in the batch."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.labelled.case import faulty
from tests.labelled.faulty_data import RECORDINGS, RHYTHM, mlp
from tests.labelled.faulty_gradients import TOPIC, WORDS
from tests.labelled.ingredients import (
    DIGITS,
    INK,
    LABELS,
    accuracy,
    accuracy_alone,
    adam,
    cross_entropy,
    momentum,
    shuffled,
)
from trainsense import Workload

ROWS: Final = DIGITS.reshape(-1, 8, 8)
"""An image as a sequence of eight rows."""


class MaskedMean(nn.Module):
    """The mean of the words that count."""

    def __init__(self, mask: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.words, self.net, self.mask = nn.Embedding(40, 16), mlp(16, 24, 4), mask

    def forward(self, words: Tensor) -> Tensor:
        lengths = torch.full((len(words), 1), words.shape[1])
        counts = self.mask(torch.arange(words.shape[1]), lengths)
        vectors = self.words(words) * counts[..., None]
        return self.net(vectors.sum(dim=1) / counts.sum(dim=1, keepdim=True).clamp(min=1))


def mask_of_padding_kept_the_padding(mask: Callable[[Tensor, Tensor], Tensor] = torch.ge) -> Workload:
    """The mask is the wrong way round: all words are zeroed."""
    return Workload(
        model=lambda: MaskedMean(mask), data=shuffled(32, WORDS, TOPIC), loss=cross_entropy, optimizer=adam, lr=0.01
    )


class CausalReader(nn.Module):
    """A start token and eight rows, read from left to right."""

    def __init__(self, position: int) -> None:
        super().__init__()
        self.start, self.rows = nn.Parameter(0.1 * torch.randn(1, 1, 32)), nn.Linear(8, 32)
        self.places = nn.Parameter(0.1 * torch.randn(9, 32))
        self.layers = nn.ModuleList(
            [nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True, norm_first=True) for _ in range(2)]
        )
        self.head, self.position = nn.Linear(32, 10), position

    def forward(self, rows: Tensor) -> Tensor:
        x = torch.cat([self.start.expand(len(rows), -1, -1), self.rows(rows)], dim=1) + self.places
        later = torch.ones(9, 9, dtype=torch.bool).triu(1)
        for layer in self.layers:
            x = layer(x, src_mask=later)
        return self.head(x[:, self.position])


def first_token_of_a_causal_model(position: int = 0) -> Workload:
    """The start token sees only itself."""
    return Workload(
        model=lambda: CausalReader(position),
        data=shuffled(16, ROWS, LABELS),
        loss=cross_entropy,
        optimizer=adam,
        lr=3e-3,
    )


class ScalingMlp(nn.Module):
    """Scales its inputs to one."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.net, self.scale = mlp(64, 32, 10), scale

    def forward(self, rows: Tensor) -> Tensor:
        return self.net(rows * self.scale)


def whole_division_of_the_scale(scale: float = 1 // 16) -> Workload:
    """`1 // 16` is zero."""
    return Workload(
        model=lambda: ScalingMlp(scale), data=shuffled(32, INK, LABELS), loss=cross_entropy, optimizer=momentum, lr=0.05
    )


class Centring(nn.Module):
    """Centres its inputs by hand."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.net, self.dim = mlp(64, 32, 10), dim

    def forward(self, rows: Tensor) -> Tensor:
        centred = rows - rows.mean(dim=self.dim, keepdim=True)
        return self.net(centred / centred.std(dim=self.dim, keepdim=True).nan_to_num().clamp(min=0.1))


def centred_over_the_batch(dim: int = 0) -> Workload:
    """The mean of whoever else is in the batch is taken off, in evaluation too."""
    return Workload(
        model=lambda: Centring(dim), data=shuffled(32, DIGITS, LABELS), loss=cross_entropy, optimizer=adam, lr=3e-3
    )


class RowTransformer(nn.Module):
    """Two layers over the rows of an image."""

    def __init__(self, *, batch_first: bool) -> None:
        super().__init__()
        self.rows, self.places = nn.Linear(8, 32), nn.Parameter(0.1 * torch.randn(8, 32))
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=batch_first, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, 10)

    def forward(self, rows: Tensor) -> Tensor:
        return self.head(self.layers(self.rows(rows) + self.places).mean(dim=1))


def attention_over_the_batch(*, batch_first: bool = False) -> Workload:
    """`batch_first` was forgotten: the images attend to each other."""
    return Workload(
        model=lambda: RowTransformer(batch_first=batch_first),
        data=shuffled(16, ROWS, LABELS),
        loss=cross_entropy,
        optimizer=adam,
        lr=2e-3,
    )


class RowLstm(nn.Module):
    """An LSTM over the rows of an image; its last state names the digit."""

    def __init__(self, *, batch_first: bool) -> None:
        super().__init__()
        self.cells, self.head = nn.LSTM(8, 32, batch_first=batch_first), nn.Linear(32, 10)

    def forward(self, rows: Tensor) -> Tensor:
        return self.head(self.cells(rows)[0][:, -1])


def recurrence_over_the_batch(*, batch_first: bool = False) -> Workload:
    """The same with an LSTM: it runs from image to image."""
    return Workload(
        model=lambda: RowLstm(batch_first=batch_first),
        data=shuffled(16, ROWS, LABELS),
        loss=cross_entropy,
        optimizer=adam,
        lr=5e-3,
    )


def scrambled(signals: Tensor) -> Tensor:
    """Bring the time to the front by a reshape: time and examples get mixed."""
    return signals.reshape(signals.shape[2], len(signals), 1)


def time_first(signals: Tensor) -> Tensor:
    """Bring the time to the front."""
    return signals.permute(2, 0, 1)


class TimeFirstGru(nn.Module):
    """A GRU over time."""

    def __init__(self, arranged: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.cells, self.head, self.arranged = nn.GRU(1, 16), nn.Linear(16, 4), arranged

    def forward(self, signals: Tensor) -> Tensor:
        states = self.cells(self.arranged(signals))[0]
        return self.head(functional.relu(states).mean(dim=0))


def reshaped_instead_of_transposed(arranged: Callable[[Tensor], Tensor] = scrambled) -> Workload:
    """The right shape, the wrong order."""
    return Workload(
        model=lambda: TimeFirstGru(arranged),
        data=shuffled(32, RECORDINGS[:, :, :24], RHYTHM),
        loss=cross_entropy,
        optimizer=adam,
        lr=0.02,
    )


CASES: Final = (
    faulty(
        mask_of_padding_kept_the_padding,
        "ignores-input",
        mended=lambda: mask_of_padding_kept_the_padding(torch.lt),
        score=accuracy,
    ),
    faulty(
        first_token_of_a_causal_model,
        "ignores-input",
        mended=lambda: first_token_of_a_causal_model(-1),
        score=accuracy,
    ),
    faulty(
        whole_division_of_the_scale,
        "ignores-input",
        mended=lambda: whole_division_of_the_scale(1 / 16),
        score=accuracy,
    ),
    faulty(centred_over_the_batch, "example-leak", mended=lambda: centred_over_the_batch(1), score=accuracy_alone),
    faulty(
        attention_over_the_batch,
        "example-leak",
        mended=lambda: attention_over_the_batch(batch_first=True),
        score=accuracy_alone,
    ),
    faulty(
        recurrence_over_the_batch,
        "example-leak",
        mended=lambda: recurrence_over_the_batch(batch_first=True),
        score=accuracy_alone,
    ),
    faulty(
        reshaped_instead_of_transposed,
        "example-leak",
        mended=lambda: reshaped_instead_of_transposed(time_first),
        score=accuracy_alone,
        steps=400,
    ),
)
