"""Sound: recurrent networks and sequences."""

from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer, RMSprop

from tests.labelled.case import sound
from tests.labelled.faulty_data import RECORDINGS, RHYTHM
from tests.labelled.faulty_layers import SUMMED, TOTAL
from tests.labelled.faulty_ranges import CHANGE, SERIES
from tests.labelled.ingredients import (
    CHARACTERS,
    DIGITS,
    LABELS,
    accuracy,
    adam,
    adamw,
    cross_entropy,
    explained,
    momentum,
    next_character,
    shuffled,
    squared_error,
    windows,
)
from trainsense import Workload


class TimeFirst(nn.Module):
    """A language model that reads (time, batch)."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.cells, self.head = nn.Embedding(CHARACTERS, 24), nn.LSTM(24, 48), nn.Linear(48, CHARACTERS)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.cells(self.tokens(tokens))[0])


def time_first_batches() -> Any:
    """Yield (time, batch) characters and their successors."""
    for batch in windows(8, 20)():
        yield {"tokens": batch["tokens"].T.contiguous(), "targets": batch["targets"].T.contiguous()}


def time_first_lstm() -> Workload:
    """The first axis of the batch is time, as torch's LSTM expects."""
    return Workload(model=TimeFirst, data=time_first_batches, loss=next_character, optimizer=adam, lr=0.01)


class ByteModel(nn.Module):
    """A recurrent model over all bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.cells, self.head = nn.Embedding(256, 24), nn.GRU(24, 48, batch_first=True), nn.Linear(48, 256)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.cells(self.tokens(tokens))[0])


def bytes_of_which_a_third_occur() -> Workload:
    """The vocabulary is larger than what this text uses of it."""
    return Workload(model=ByteModel, data=windows(16, 16), loss=next_character, optimizer=adam, lr=0.01)


class SeriesReader(nn.Module):
    """A bidirectional GRU of two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.GRU(2, 16, num_layers=2, batch_first=True, bidirectional=True, dropout=0.1)
        self.head = nn.Linear(32, 1)

    def forward(self, series: Tensor) -> Tensor:
        return self.head(self.cells(series)[0].mean(dim=1)).squeeze(-1)


def gru_regression() -> Workload:
    """Predictions and targets are both (N,)."""
    return Workload(model=SeriesReader, data=shuffled(16, SERIES, CHANGE), loss=squared_error, optimizer=adam, lr=0.01)


def _rmsprop(model: nn.Module, lr: float) -> Optimizer:
    return RMSprop(model.parameters(), lr=lr, alpha=0.95)


class Summing(nn.Module):
    """A ReLU recurrence that starts as the identity (Le et al., 2015)."""

    def __init__(self) -> None:
        super().__init__()
        self.cells, self.head = nn.RNN(2, 24, nonlinearity="relu", batch_first=True), nn.Linear(24, 1)
        inward, recurrent, *biases = self.cells.parameters()
        nn.init.normal_(inward, std=0.1)
        nn.init.eye_(recurrent)
        for bias in biases:
            nn.init.zeros_(bias)

    def forward(self, sequence: Tensor) -> Tensor:
        return self.head(self.cells(sequence)[1][0])


def recurrence_that_starts_as_the_identity() -> Workload:
    """Its recurrent weights are a special matrix with equal rows nowhere; nothing explodes."""
    return Workload(
        model=Summing,
        data=shuffled(32, SUMMED[:, :20], TOTAL),
        loss=squared_error,
        optimizer=_rmsprop,
        lr=3e-3,
        clip_norm=1.0,
    )


class OrderedRows(nn.Module):
    """Plain tanh recurrence over the rows of an image, batch second."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.RNNCell(8, 40), nn.Linear(40, 10)

    def forward(self, rows: Tensor) -> Tensor:
        state = torch.zeros(len(rows), 40)
        for row in rows.unbind(dim=1):
            state = self.cell(row, state)
        return self.head(state)


def tanh_recurrence_over_eight_steps() -> Workload:
    """Gradients shrink over eight steps, and arrive."""
    return Workload(
        model=OrderedRows,
        data=shuffled(32, DIGITS.reshape(-1, 8, 8), LABELS),
        loss=cross_entropy,
        optimizer=adamw,
        lr=5e-3,
    )


def convolutions_over_time() -> Workload:
    """Dilated convolutions, pooled by their maximum."""

    def model() -> nn.Module:
        return nn.Sequential(
            nn.Conv1d(1, 12, 5, padding=2),
            nn.ReLU(),
            nn.Conv1d(12, 12, 3, dilation=4, padding=4),
            nn.ReLU(),
            nn.AdaptiveMaxPool1d(1),
            nn.Flatten(),
            nn.Linear(12, 4),
        )

    return Workload(model=model, data=shuffled(32, RECORDINGS, RHYTHM), loss=cross_entropy, optimizer=momentum, lr=0.05)


def bigrams() -> Workload:
    """A table of logits, and nothing else: the embedding is the output."""
    return Workload(
        model=lambda: nn.Embedding(CHARACTERS, CHARACTERS),
        data=windows(16, 16),
        loss=next_character,
        optimizer=adam,
        lr=0.05,
    )


CASES: Final = (
    sound(time_first_lstm, "example-leak"),
    sound(bytes_of_which_a_third_occur, "labels-mismatch", "no-gradient"),
    sound(gru_regression, "broadcast-loss", "vanishing-gradient", score=explained),
    sound(recurrence_that_starts_as_the_identity, "symmetric-init", "exploding-gradient", "dead-relu", score=explained),
    sound(tanh_recurrence_over_eight_steps, "vanishing-gradient", score=accuracy),
    sound(convolutions_over_time, "missing-normalization", score=accuracy),
    sound(bigrams, "bad-initial-loss", "no-gradient"),
)
