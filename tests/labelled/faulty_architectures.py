"""Deep stacks that hold no gradient, and batch normalisation over two examples."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.labelled.case import faulty
from tests.labelled.ingredients import (
    DIGITS,
    GROUP,
    IMAGES,
    LABELS,
    TABLE,
    accuracy,
    adam,
    cross_entropy,
    momentum,
    shuffled,
)
from trainsense import Workload

ROWS: Final = DIGITS.reshape(-1, 4, 16)
Update = Callable[[Tensor], Tensor]


class NormedRows(nn.Module):
    """A transformer over bands of an image."""

    def __init__(self, *, norm_first: bool) -> None:
        super().__init__()
        self.rows, self.places = nn.Linear(16, 32), nn.Parameter(torch.randn(4, 32))
        layer = nn.TransformerEncoderLayer(32, 2, 64, dropout=0.0, batch_first=True, norm_first=norm_first)
        self.layers = nn.TransformerEncoder(layer, 12, enable_nested_tensor=False)
        self.norm, self.head = nn.LayerNorm(32), nn.Linear(32, 10)

    def forward(self, rows: Tensor) -> Tensor:
        return self.head(self.norm(self.layers(self.rows(rows) + self.places)).mean(dim=1))


def post_norm_transformer_of_twelve_layers(*, norm_first: bool = False) -> Workload:
    """Without warmup it never leaves the level of a constant guess."""
    return Workload(
        model=lambda: NormedRows(norm_first=norm_first),
        data=shuffled(16, ROWS, LABELS),
        loss=cross_entropy,
        optimizer=adam,
        lr=3e-3,
    )


class Block(nn.Module):
    """A branch of two layers; where its sum is normalised is the whole difference."""

    def __init__(self, width: int, *, post: bool) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(width, width), nn.Linear(width, width)
        self.norm, self.post = nn.LayerNorm(width), post
        for layer in (self.up, self.down):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        if self.post:
            return self.norm(x + self.down(functional.relu(self.up(x))))
        return x + self.down(functional.relu(self.up(self.norm(x))))


def blocks_that_normalise_their_sum(*, post: bool = True) -> Workload:
    """Twenty blocks of one's own, Norm(x + f(x))."""

    def model() -> nn.Module:
        blocks = [Block(32, post=post) for _ in range(20)]
        return nn.Sequential(nn.Linear(16, 32), *blocks, nn.LayerNorm(32), nn.Linear(32, 5))

    return Workload(model=model, data=shuffled(32, TABLE, GROUP), loss=cross_entropy, optimizer=momentum, lr=0.05)


class Deep(nn.Module):
    """Plain layers, or the same as residual blocks with normalisation."""

    def __init__(self, depth: int, *, residual: bool) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(64, 32), nn.Linear(32, 10)
        self.layers = nn.ModuleList([nn.Linear(32, 32) for _ in range(depth)])
        self.norms = nn.ModuleList([nn.LayerNorm(32) for _ in range(depth)]) if residual else None

    def forward(self, rows: Tensor) -> Tensor:
        x = functional.relu(self.stem(rows))
        for index, layer in enumerate(self.layers):
            x = functional.relu(layer(x)) if self.norms is None else x + functional.relu(layer(self.norms[index](x)))
        return self.head(x)


def plain_stack_of_24_layers(*, residual: bool = False) -> Workload:
    """Neither a residual connection nor a normalisation."""
    return Workload(
        model=lambda: Deep(24, residual=residual),
        data=shuffled(32, DIGITS, LABELS),
        loss=cross_entropy,
        optimizer=adam,
        lr=1e-3,
    )


def _convolutions(depth: int, norm: Callable[[int], nn.Module]) -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(1, 8, 3, padding=1, stride=2), nn.ReLU()]
    for _ in range(depth):
        layers += [nn.Conv2d(8, 8, 3, padding=1), norm(8), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 10))


def plain_stack_of_18_convolutions(norm: Callable[[int], nn.Module] = lambda _: nn.Identity()) -> Workload:
    """The same with convolutions as torch initialises them."""
    return Workload(
        model=lambda: _convolutions(18, norm),
        data=shuffled(16, IMAGES, LABELS),
        loss=cross_entropy,
        optimizer=momentum,
        lr=0.05,
    )


class UnnormedBlock(nn.Module):
    """x + f(x), and nothing else."""

    def __init__(self, width: int, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.norm, self.up, self.down = norm(width), nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        for layer in (self.up, self.down):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(functional.relu(self.up(self.norm(x))))


def residuals_without_normalisation(norm: Callable[[int], nn.Module] = lambda _: nn.Identity()) -> Workload:
    """Each of twenty blocks adds twice what there is: the sum doubles and doubles."""

    def model() -> nn.Module:
        blocks = [UnnormedBlock(24, norm) for _ in range(20)]
        return nn.Sequential(nn.Linear(64, 24), *blocks, norm(24), nn.Linear(24, 10))

    return Workload(model=model, data=shuffled(32, DIGITS, LABELS), loss=cross_entropy, optimizer=adam, lr=1e-3)


def batch_norm_of_two(size: int = 2, norm: Callable[[int], nn.Module] = nn.BatchNorm1d) -> Workload:
    """Normalised by two examples, every unit says which of the two is larger."""

    def model() -> nn.Module:
        return nn.Sequential(
            nn.Linear(64, 32), norm(32), nn.ReLU(), nn.Linear(32, 32), norm(32), nn.ReLU(), nn.Linear(32, 10)
        )

    return Workload(model=model, data=shuffled(size, DIGITS, LABELS), loss=cross_entropy, optimizer=momentum, lr=0.01)


class PooledNorm(nn.Module):
    """Convolutions, pooled, then normalised over the batch."""

    def __init__(self, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.conv, self.project, self.norm = nn.Conv2d(1, 12, 3, padding=1), nn.Linear(48, 32), norm(32)
        self.head = nn.Linear(32, 10)

    def forward(self, images: Tensor) -> Tensor:
        x = functional.adaptive_avg_pool2d(functional.relu(self.conv(images)), 2).flatten(1)
        return self.head(functional.relu(self.norm(self.project(x))))


def batch_norm_of_accumulated_twos(norm: Callable[[int], nn.Module] = nn.BatchNorm1d) -> Workload:
    """Accumulation makes steps of sixteen examples; the normalisation still sees two at a time."""
    return Workload(
        model=lambda: PooledNorm(norm),
        data=shuffled(2, IMAGES, LABELS),
        loss=cross_entropy,
        optimizer=adam,
        lr=0.01,
        accumulate=8,
    )


CASES: Final = (
    faulty(
        post_norm_transformer_of_twelve_layers,
        "post-norm-residual",
        mended=lambda: post_norm_transformer_of_twelve_layers(norm_first=True),
        score=accuracy,
    ),
    faulty(
        blocks_that_normalise_their_sum,
        "post-norm-residual",
        mended=lambda: blocks_that_normalise_their_sum(post=False),
        score=accuracy,
    ),
    faulty(
        plain_stack_of_24_layers,
        "missing-residual",
        "missing-normalization",
        "vanishing-gradient",
        mended=lambda: plain_stack_of_24_layers(residual=True),
        score=accuracy,
    ),
    faulty(
        plain_stack_of_18_convolutions,
        "missing-residual",
        "missing-normalization",
        "vanishing-gradient",
        mended=lambda: plain_stack_of_18_convolutions(nn.BatchNorm2d),
        score=accuracy,
    ),
    faulty(
        residuals_without_normalisation,
        "missing-normalization",
        "exploding-gradient",
        "bad-init-scale",
        mended=lambda: residuals_without_normalisation(nn.LayerNorm),
        score=accuracy,
    ),
    faulty(batch_norm_of_two, "small-batch-norm", mended=lambda: batch_norm_of_two(2, nn.LayerNorm), score=accuracy),
    faulty(
        batch_norm_of_accumulated_twos,
        "small-batch-norm",
        mended=lambda: batch_norm_of_accumulated_twos(nn.LayerNorm),
        score=accuracy,
    ),
)
