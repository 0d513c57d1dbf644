"""Small networks on a task that every sound one of them learns."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam, Optimizer

from trainsense import Workload

_DRAWN = torch.Generator().manual_seed(0)
ROWS = torch.randn(1024, 20, generator=_DRAWN)
LABELS = (torch.tanh(ROWS @ torch.randn(20, 40, generator=_DRAWN)) @ torch.randn(40, 10, generator=_DRAWN)).argmax(1)

Initialise = Callable[[nn.Linear], object]


def batches() -> Iterator[tuple[Tensor, Tensor]]:
    """Shuffle the rows into batches of 32."""
    for rows in torch.randperm(len(ROWS)).split(32):  # type: ignore[no-untyped-call]
        yield ROWS[rows], LABELS[rows]


def cross_entropy(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Return the loss."""
    return functional.cross_entropy(model(batch[0]), batch[1])


def momentum(model: nn.Module, lr: float) -> Optimizer:
    """SGD with momentum."""
    return SGD(model.parameters(), lr=lr, momentum=0.9)


def adam(model: nn.Module, lr: float) -> Optimizer:
    """Adam."""
    return Adam(model.parameters(), lr=lr)


def workload(model: Callable[[], nn.Module], **changes: Any) -> Workload:
    """Return a workload of a model."""
    fields: dict[str, Any] = {"data": batches, "loss": cross_entropy, "optimizer": momentum, "lr": 0.03}
    return Workload(model=model, **{**fields, **changes})


def he(layer: nn.Linear) -> None:
    """He's initialisation."""
    nn.init.kaiming_normal_(layer.weight)
    nn.init.zeros_(layer.bias)


def xavier(layer: nn.Linear) -> None:
    """Xavier's initialisation."""
    nn.init.xavier_normal_(layer.weight)
    nn.init.zeros_(layer.bias)


def normal(std: float) -> Initialise:
    """Return an initialisation that takes no account of the fan-in."""

    def fill(layer: nn.Linear) -> None:
        nn.init.normal_(layer.weight, std=std)
        nn.init.zeros_(layer.bias)

    return fill


def constant(value: float) -> Initialise:
    """Return an initialisation that makes all units the same."""

    def fill(layer: nn.Linear) -> None:
        nn.init.constant_(layer.weight, value)
        nn.init.zeros_(layer.bias)

    return fill


def mlp(
    layers: int,
    activation: Callable[[], nn.Module] = nn.ReLU,
    initialise: Initialise | None = None,
    *,
    width: int = 48,
    norm: Callable[[int], nn.Module] | None = None,
) -> Callable[[], nn.Sequential]:
    """Return a builder of a network of so many linear layers, the output layer's initialisation torch's own."""

    def build() -> nn.Sequential:
        parts: list[nn.Module] = []
        read = 20
        for _ in range(layers - 1):
            layer = nn.Linear(read, width)
            if initialise is not None:
                initialise(layer)
            parts += [layer, *([norm(width)] if norm else []), activation()]
            read = width
        return nn.Sequential(*parts, nn.Linear(read, 10))

    return build


class Block(nn.Module):
    """A two-layer branch on an identity shortcut, initialised by He's rule."""

    def __init__(self, width: int, *, zero: bool, norm: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width) if norm else nn.Identity()
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)
        he(self.first)
        he(self.second)
        if zero:
            nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Any:
        """Add the branch."""
        return x + self.second(functional.relu(self.first(self.norm(x))))


def residual(blocks: int, *, zero: bool = False, norm: bool = False) -> Callable[[], nn.Sequential]:
    """Return a builder of a residual network."""
    return lambda: nn.Sequential(
        nn.Linear(20, 32), *[Block(32, zero=zero, norm=norm) for _ in range(blocks)], nn.Linear(32, 10)
    )
