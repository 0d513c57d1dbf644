"""Tiny workloads whose parameters train, or do not."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Optimizer

from trainsense import Workload

ROWS = torch.randn(128, 8, generator=torch.Generator().manual_seed(0))
TARGETS = ROWS[:, :2].prod(1, keepdim=True).tanh()
Forward = Callable[[Any, Tensor], Tensor]


def batches() -> Iterator[tuple[Tensor, Tensor]]:
    """Yield four batches."""
    yield from zip(torch.split(ROWS, 32), torch.split(TARGETS, 32), strict=True)


def squared_error(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Return the mean squared error."""
    return functional.mse_loss(model(batch[0]), batch[1])


def everything(model: nn.Module, lr: float) -> Optimizer:
    """SGD over all parameters."""
    return SGD(model.parameters(), lr=lr, momentum=0.9)


class Net(nn.Module):
    """Three layers that a function puts together."""

    def __init__(self, put_together: Forward, prepare: Callable[[Any], None] | None = None) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(8, 16), nn.Linear(16, 16), nn.Linear(16, 1)
        self.put_together = put_together
        if prepare is not None:
            prepare(self)

    def forward(self, rows: Tensor) -> Tensor:
        """Call the function."""
        return self.put_together(self, rows)


def plain(net: Any, rows: Tensor) -> Tensor:
    """Apply the three layers."""
    return net.last(net.second(net.first(rows).relu()).relu())  # type: ignore[no-any-return]


def built(put_together: Forward = plain, prepare: Callable[[Any], None] | None = None, **changes: Any) -> Workload:
    """Return a workload of a `Net`."""
    fields: dict[str, Any] = {"data": batches, "loss": squared_error, "optimizer": everything, "lr": 0.05}
    return Workload(**{"model": lambda: Net(put_together, prepare), **fields, **changes})
