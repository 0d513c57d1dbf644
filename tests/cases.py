"""Tiny workloads, good and bad, built in code: a step takes well under a millisecond."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, AdamW, Optimizer

from trainsense import Workload

CPU: Final = torch.device("cpu")
ROWS: Final = torch.linspace(-2.0, 2.0, 96).reshape(32, 3)
TARGETS: Final = (ROWS @ torch.tensor([[1.0], [-2.0], [0.5]])).sin()


def mlp() -> nn.Module:
    """Build a network of two layers."""
    return nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1))


def dropout_mlp() -> nn.Module:
    """Build one with dropout and batch normalisation: everything that a probe could disturb."""
    return nn.Sequential(nn.Linear(3, 16), nn.BatchNorm1d(16), nn.Dropout(0.3), nn.Linear(16, 1))


def drawing_mlp() -> nn.Module:
    """Build the same network as `mlp`, after drawing more random numbers on the way."""
    net = mlp()
    torch.rand(7)
    return net


def fixed_batches() -> list[tuple[Tensor, Tensor]]:
    """Return the same four batches at every call."""
    return [(ROWS[start : start + 8], TARGETS[start : start + 8]) for start in range(0, 32, 8)]


def drawn_batches() -> Iterator[tuple[Tensor, Tensor]]:
    """Draw noisy batches from torch's and NumPy's global generators."""
    for _ in range(5):
        rows = torch.randn(8, 3) + torch.from_numpy(np.random.standard_normal((8, 3))).float()
        yield rows, rows.sum(dim=1, keepdim=True).sin()


def squared_error(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Return the mean squared error."""
    return functional.mse_loss(model(batch[0]), batch[1])


def sgd(model: nn.Module, lr: float) -> Optimizer:
    """SGD with momentum."""
    return SGD(model.parameters(), lr=lr, momentum=0.9)


def plain_sgd(model: nn.Module, lr: float) -> Optimizer:
    """SGD without anything."""
    return SGD(model.parameters(), lr=lr)


def grouped_sgd(model: nn.Module, lr: float) -> Optimizer:
    """SGD whose last layer trains ten times slower."""
    layers = list(model.children())
    rest = [parameter for layer in layers[:-1] for parameter in layer.parameters()]
    groups: list[dict[str, Any]] = [{"params": rest}, {"params": list(layers[-1].parameters()), "lr": 0.1 * lr}]
    return SGD(groups, lr=lr)


def adamw(model: nn.Module, lr: float) -> Optimizer:
    """AdamW."""
    return AdamW(model.parameters(), lr=lr)


def workload(**changes: Any) -> Workload:
    """Return the standard tiny workload with fields changed."""
    fields: dict[str, Any] = {"model": mlp, "data": fixed_batches, "loss": squared_error, "optimizer": plain_sgd}
    return Workload(**{**fields, **changes})


def accuracy(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Mapping[str, Tensor]:
    """Return the share of predictions of the right sign."""
    return {"sign": ((model(batch[0]) > 0) == (batch[1] > 0)).float().mean()}


def nan_batches() -> list[tuple[Tensor, Tensor]]:
    """Return one batch that is all NaN."""
    return [(torch.full((8, 3), torch.nan), torch.ones(8, 1))]


def infinite_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Return an infinite loss."""
    return squared_error(model, batch) * float("inf")


def blind_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Return a loss that nothing can lower: pure noise that the weights merely scale."""
    return functional.mse_loss(model(torch.zeros_like(batch[0])) * 1e-9, torch.randn(batch[1].shape))


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the table.

    Args:
        name: what it is.
        make: makes the workload.
        sick: the rule that must speak, None if the workload is healthy.
    """

    name: str
    make: Callable[[], Workload]
    sick: str | None = None


CASES: Final = (
    Case(name="plain", make=lambda: workload(lr=0.1)),
    Case(name="without an lr", make=workload),
    Case(name="adamw", make=lambda: workload(optimizer=adamw, lr=0.01)),
    Case(name="dropout and batch norm", make=lambda: workload(model=dropout_mlp, lr=0.05)),
    Case(name="drawn data", make=lambda: workload(data=drawn_batches, lr=0.1)),
    Case(name="groups", make=lambda: workload(optimizer=grouped_sgd, lr=0.1)),
    Case(name="eval data", make=lambda: workload(eval_data=fixed_batches, metrics=accuracy, lr=0.1)),
    Case(name="accumulate", make=lambda: workload(accumulate=2, lr=0.1)),
    Case(name="bfloat16", make=lambda: workload(autocast=torch.bfloat16, lr=0.1)),
    Case(name="clipped", make=lambda: workload(clip_norm=0.5, lr=0.1, schedule="cosine", max_train_steps=200)),
    Case(name="nan data", make=lambda: workload(data=nan_batches, lr=0.1), sick="non-finite-data"),
    Case(name="infinite loss", make=lambda: workload(loss=infinite_loss, lr=0.1), sick="non-finite-loss"),
    Case(name="lr far too high", make=lambda: workload(lr=1e4), sick="lr-too-high"),
)
"""Good and bad; every one must get through every command."""
