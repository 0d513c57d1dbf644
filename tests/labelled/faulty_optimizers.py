"""Weights that no optimizer holds."""

from collections.abc import Callable
from typing import Final

from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam, AdamW, Optimizer

from tests.labelled.case import faulty
from tests.labelled.ingredients import (
    CURVE,
    DIGITS,
    GROUP,
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
