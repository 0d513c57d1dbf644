"""Networks and batches of the sizes that people train on a CPU, for benchmarks of time."""

import sysconfig
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from trainsense import Workload

BATCH, STEPS = 64, 300
CHARACTERS = 32
"""Read at once by the language model."""
HELD_OUT_SHARE = 0.1


def classification(model: Callable[[], nn.Module], shape: tuple[int, ...], batch: int = BATCH) -> Workload:
    """Wrap a model of ten classes; its data is noise, since only time matters here."""

    def data() -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(STEPS):
            yield torch.randn(batch, *shape), torch.randint(10, (batch,))

    def loss(net: nn.Module, pair: tuple[Tensor, Tensor]) -> Tensor:
        return nn.functional.cross_entropy(net(pair[0]), pair[1])

    held_out = [(torch.randn(256, *shape), torch.randint(10, (256,)))]
    return Workload(model=model, data=data, loss=loss, eval_data=lambda: held_out, lr=1e-3)


def mlp() -> nn.Module:
    """Build the smallest network: one hidden layer of 64."""
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def convolutions(widths: tuple[tuple[int, int, int], ...]) -> nn.Module:
    """Build convolutions with BatchNorm: input channels, output channels and stride of each."""
    stages = [
        nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())
        for inputs, outputs, stride in widths
    ]
    return nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1][1], 10))


def cnn() -> nn.Module:
    """Build four convolutions."""
    return convolutions(((1, 16, 1), (16, 32, 2), (32, 32, 1), (32, 32, 2)))


def wide_cnn() -> nn.Module:
    """Build four convolutions with a million parameters."""
    return convolutions(((1, 64, 2), (64, 128, 1), (128, 256, 2), (256, 256, 1)))


class Transformer(nn.Module):
    """Two pre-norm layers over sixteen tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Linear(8, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, 10)

    def forward(self, tokens: Tensor) -> Tensor:
        """Give the logits of ten classes."""
        logits: Tensor = self.head(self.layers(self.tokens(tokens)).mean(dim=1))
        return logits


class LanguageModel(nn.Module):
    """Two pre-norm layers that tell the next character."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.characters, self.places = nn.Embedding(128, width), nn.Embedding(CHARACTERS, width)
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 128)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(CHARACTERS))

    def forward(self, text: Tensor) -> Tensor:
        """Give the logits of the character after each."""
        places = torch.arange(text.shape[1], device=text.device)
        x = self.layers(self.characters(text) + self.places(places), mask=self.mask, is_causal=True)
        logits: Tensor = self.head(self.norm(x))
        return logits


@cache
def library_text() -> Tensor:
    """Read the sources of Python's standard library, one character after another, ASCII only."""
    folder = Path(sysconfig.get_path("stdlib"))
    sources = b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))
    return torch.tensor([byte for byte in sources if byte < 128])


def passages(text: Tensor) -> Tensor:
    """Draw a batch of passages, each with the character that follows it."""
    starts = torch.randint(len(text) - CHARACTERS - 1, (BATCH,))
    return torch.stack([text[start : start + CHARACTERS + 1] for start in starts.tolist()])


def next_character_loss(net: nn.Module, text: Tensor) -> Tensor:
    """Cross-entropy of the next character."""
    return nn.functional.cross_entropy(net(text[:, :-1]).flatten(0, 1), text[:, 1:].flatten())


def characters() -> Workload:
    """Return a language model on the text of Python's standard library."""
    text = library_text()
    held_out_from = int((1 - HELD_OUT_SHARE) * len(text))

    def data() -> Iterator[Tensor]:
        for _ in range(STEPS):
            yield passages(text[:held_out_from])

    held_out = [passages(text[held_out_from:]) for _ in range(4)]
    return Workload(model=LanguageModel, data=data, loss=next_character_loss, eval_data=lambda: held_out, lr=1e-3)
