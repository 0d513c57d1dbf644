"""Tiny workloads on the digits, for tests of the rules on inputs, outputs and single batches."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from trainsense import Workload

_DIGITS: Final = load_digits()
PIXELS: Final = torch.tensor((_DIGITS.data - _DIGITS.data.mean()) / _DIGITS.data.std(), dtype=torch.float32)
LABELS: Final = torch.tensor(_DIGITS.target)


def batches(change: Callable[[Tensor], Tensor] = lambda x: x, examples: int = 32) -> Callable[[], Iterator[Any]]:
    """Return a source of shuffled batches whose inputs are changed."""

    def data() -> Iterator[Any]:
        for rows in torch.split(torch.randperm(256), examples):
            yield change(PIXELS[rows]), LABELS[rows]

    return data


def rows(x: Tensor) -> Tensor:
    """Return images as sequences of their rows: (batch, 8, 8)."""
    return x.reshape(-1, 8, 8)


def cross_entropy(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Return the cross-entropy of the ten classes."""
    return functional.cross_entropy(model(batch[0]), batch[1])


def even(batch: tuple[Tensor, Tensor]) -> Tensor:
    """Return whether the digits are even, as floats."""
    return (batch[1] % 2 == 0).float()


def mlp(activation: type[nn.Module] = nn.ReLU, outputs: int = 10) -> nn.Module:
    """Build two hidden layers of 32."""
    layers = nn.Linear(64, 32), activation(), nn.Linear(32, 32), activation(), nn.Linear(32, outputs)
    return nn.Sequential(*layers)


class Written(nn.Module):
    """Modules with a forward that is handed over."""

    def __init__(self, forward: Callable[..., Any], **modules: nn.Module) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)
        self._forward = forward

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self._forward(self, *args, **kwargs)


def on_digits(model: Callable[[], nn.Module] = mlp, **changes: Any) -> Workload:
    """Return a workload on the digits."""
    fields: dict[str, Any] = {"model": model, "data": batches(), "loss": cross_entropy, "lr": 1e-3}
    return Workload(**{**fields, **changes})
