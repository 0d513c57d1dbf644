"""Sound: transformers over text and over images."""

from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.labelled.case import sound
from tests.labelled.faulty_examples import ROWS
from tests.labelled.faulty_starts import next_right
from tests.labelled.ingredients import (
    CHARACTERS,
    LABELS,
    TEXT,
    accuracy,
    adam,
    adamw,
    cross_entropy,
    next_character,
    shuffled,
    windows,
)
from trainsense import Workload


class Attention(nn.Module):
    """Causal attention of two heads, its softmax by hand."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        q, k, v = self.project(x).view(batch, length, 3, 2, width // 2).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / (width / 2) ** 0.5
        later = torch.ones(length, length, dtype=torch.bool).triu(1)
        weights = scores.masked_fill(later, float("-inf")).softmax(dim=-1)
        return self.out((weights @ v).transpose(1, 2).reshape(batch, length, width))


class GptBlock(nn.Module):
    """Pre-norm attention and a gated feed-forward layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2, self.attention = nn.LayerNorm(width), nn.LayerNorm(width), Attention(width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        gate, value = self.up(self.norm2(x)).chunk(2, dim=-1)
        return x + self.down(functional.silu(gate) * value)


class Gpt(nn.Module):
    """A causal language model with tied weights."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(CHARACTERS, 32), nn.Embedding(16, 32)
        self.blocks = nn.ModuleList([GptBlock(32) for _ in range(2)])
        self.norm, self.head = nn.LayerNorm(32), nn.Linear(32, CHARACTERS, bias=False)
        self.head.weight = self.tokens.weight
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.05)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tokens(tokens) + self.places(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def causal_language_model_with_tied_weights() -> Workload:
    """Attention by hand, gated layers, small initial weights."""
    return Workload(model=Gpt, data=windows(16, 16), loss=next_character, optimizer=adamw, lr=5e-3, clip_norm=1.0)


class Encoder(nn.Module):
    """A transformer encoder over the rows of an image."""

    def __init__(self, depth: int, *, norm_first: bool, dropout: float = 0.0) -> None:
        super().__init__()
        self.rows, self.places = nn.Linear(8, 32), nn.Parameter(0.1 * torch.randn(8, 32))
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=dropout, batch_first=True, norm_first=norm_first)
        self.layers = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Linear(32, 10)

    def forward(self, rows: Tensor) -> Tensor:
        return self.head(self.layers(self.rows(rows) + self.places).mean(dim=1))


def post_norm_of_two_layers(*, norm_first: bool = False) -> Workload:
    """Norm(x + f(x)), but only twice, and a modest lr."""
    return Workload(
        model=lambda: Encoder(2, norm_first=norm_first),
        data=shuffled(32, ROWS, LABELS),
        loss=cross_entropy,
        optimizer=adam,
        lr=2e-3,
    )


def pre_norm_with_dropout() -> Workload:
    """x + f(Norm(x)), six branches, dropout 0.1."""
    return Workload(
        model=lambda: Encoder(3, norm_first=True, dropout=0.1),
        data=shuffled(16, ROWS, LABELS),
        loss=cross_entropy,
        optimizer=adamw,
        lr=2e-3,
    )


class ClassToken(nn.Module):
    """Two-way attention, read at a token of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.start, self.rows = nn.Parameter(torch.zeros(1, 1, 32)), nn.Linear(8, 32)
        self.places = nn.Parameter(0.1 * torch.randn(9, 32))
        self.norm, self.attention = nn.LayerNorm(32), nn.MultiheadAttention(32, 4, batch_first=True)
        self.net = nn.Sequential(nn.LayerNorm(32), nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 10))

    def forward(self, rows: Tensor) -> Tensor:
        x = torch.cat([self.start.expand(len(rows), -1, -1), self.rows(rows)], dim=1) + self.places
        y = self.norm(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return self.net(x[:, 0])


def class_token() -> Workload:
    """The first position holds the same token in every example, and sees the others."""
    return Workload(model=ClassToken, data=shuffled(16, ROWS, LABELS), loss=cross_entropy, optimizer=adam, lr=5e-3)


class MaskedModel(nn.Module):
    """A two-way encoder that guesses masked characters."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(CHARACTERS + 1, 32), nn.Parameter(0.1 * torch.randn(16, 32))
        self.mixer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.head = nn.Linear(32, CHARACTERS)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.mixer(self.tokens(tokens) + self.places))


def masked_batches() -> Any:
    """Yield stretches of text of which two characters are masked; the others are no targets."""
    for _ in range(100):
        tokens = TEXT[torch.randint(len(TEXT) - 16, (16, 1)) + torch.arange(16)]
        hidden = torch.rand(16, 16) < 0.15
        hidden[:, 3] = True
        yield {"tokens": tokens.masked_fill(hidden, CHARACTERS), "targets": tokens.masked_fill(~hidden, -100)}


def masked_language_model() -> Workload:
    """Most labels are -100, which the loss ignores."""
    return Workload(model=MaskedModel, data=masked_batches, loss=next_character, optimizer=adam, lr=5e-3)


CASES: Final = (
    sound(causal_language_model_with_tied_weights, "inner-softmax", "not-optimized", score=next_right),
    sound(
        post_norm_of_two_layers,
        "post-norm-residual",
        plain=lambda: post_norm_of_two_layers(norm_first=True),
        score=accuracy,
    ),
    sound(pre_norm_with_dropout, "post-norm-residual", "example-leak", score=accuracy),
    sound(class_token, "ignores-input", "inner-softmax", score=accuracy, steps=400),
    sound(masked_language_model, "labels-mismatch", "bad-initial-loss", score=None, steps=400),
)
