"""Workloads on handwritten digits, and the parts that their models are made of."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from tests.looking import Findings
from trainsense import Workload

FAMILY = (
    "post-norm-residual",
    "missing-residual",
    "missing-normalization",
    "residual-not-zero-init",
    "small-batch-norm",
)
DIGITS = load_digits()
PIXELS = torch.tensor((DIGITS.data - DIGITS.data.mean()) / DIGITS.data.std(), dtype=torch.float32)
LABELS = torch.tensor(DIGITS.target)


def on_digits(model: Callable[[], nn.Module], *, batch: int = 32, **settings: Any) -> Workload:
    """Return a workload that classifies digits, by Adam at 1e-3 unless told otherwise."""

    def data() -> Iterator[tuple[Tensor, Tensor]]:
        for rows in torch.split(torch.randperm(1792), batch):
            yield PIXELS[rows], LABELS[rows]

    given: dict[str, Any] = {
        "optimizer": lambda net, lr: torch.optim.Adam(net.parameters(), lr=lr),
        "lr": 1e-3,
        **settings,
    }
    return Workload(
        model=model, data=data, loss=lambda net, one: functional.cross_entropy(net(one[0]), one[1]), **given
    )


def stack(
    depth: int,
    activation: Callable[[], nn.Module] = nn.ReLU,
    *,
    start: Callable[[Tensor], Tensor] | None = None,
    norm: Callable[[int], nn.Module] | None = None,
) -> nn.Module:
    """Return `depth` layers in a row, started by torch's default or by `start` with biases at zero."""
    parts: list[nn.Module] = []
    for index in range(depth - 1):
        linear = nn.Linear(64 if index == 0 else 48, 48)
        if start is not None:
            start(linear.weight)
            nn.init.zeros_(linear.bias)
        parts += [linear, *([norm(48)] if norm else []), activation()]
    return nn.Sequential(*parts, nn.Linear(48, 10))


class Block(nn.Module):
    """A residual block with He-initialised layers and a place for its norm."""

    def __init__(self, place: str = "none", *, zero: bool = False) -> None:
        super().__init__()
        self.first, self.second, self.place = nn.Linear(48, 48), nn.Linear(48, 48), place
        self.norm = nn.LayerNorm(48) if place != "none" else nn.Identity()
        for one in (self.first, self.second):
            nn.init.kaiming_normal_(one.weight)
        if zero:
            nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Any:
        """Add the branch."""
        entering = self.norm(x) if self.place == "before" else x
        branch = self.second(torch.relu(self.first(entering)))
        if self.place == "within":
            return x + self.norm(branch)
        return self.norm(x + branch) if self.place == "behind" else x + branch


def blocks(count: int, place: str = "none", *, zero: bool = False, norm_at_end: bool = False) -> nn.Module:
    """Return a network of residual blocks."""
    end = [nn.LayerNorm(48)] if norm_at_end else []
    return nn.Sequential(nn.Linear(64, 48), *(Block(place, zero=zero) for _ in range(count)), *end, nn.Linear(48, 10))


def serious(found: Findings) -> set[str]:
    """Return the names of this family's errors and warnings among findings."""
    return {name for name, one in found.among(*FAMILY).items() if one.severity != "note"}
