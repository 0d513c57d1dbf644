"""Tiny workloads that differ in their loss alone, and evidence of losses made by hand."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.looking import findings
from trainsense import Workload
from trainsense.records.evidence import LossTerm, LossTerms
from trainsense.records.finding import Finding
from trainsense.records.location import Location

WEIGHTS = torch.randn(8, 10, generator=torch.Generator().manual_seed(3))
LOSS_RULES = frozenset(["bad-initial-loss", "double-softmax", "output-range", "broadcast-loss", "labels-mismatch"])
Pair = tuple[Tensor, Tensor]


def net(outputs: int, *end: nn.Module) -> Callable[[], nn.Module]:
    """Return what builds a network of three layers with `end` behind them."""
    return lambda: nn.Sequential(
        nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, outputs), *end
    )


def scaled(outputs: int, factor: float) -> Callable[[], nn.Module]:
    """Return what builds the same with its last weight multiplied."""

    def build() -> nn.Module:
        built = net(outputs)()
        with torch.no_grad():
            next(reversed(list(built.parameters())[:-1])).mul_(factor)
        return built

    return build


def batches(make: Callable[[], Any], count: int = 16) -> Callable[[], Iterator[Any]]:
    """Return a source of `count` batches."""

    def data() -> Iterator[Any]:
        for _ in range(count):
            yield make()

    return data


def classes(examples: int = 32, width: int = 10) -> Pair:
    """Draw inputs with the class that a linear map says."""
    inputs = torch.randn(examples, 8)
    return inputs, (inputs @ WEIGHTS[:, :width]).argmax(dim=1)


def binary(examples: int = 32) -> Pair:
    """Draw inputs with targets of 0 and 1, shape (examples, 1)."""
    inputs, labels = classes(examples)
    return inputs, (labels > 4).float().unsqueeze(1)


def values(scale: float = 1.0, shift: float = 0.0, outputs: int = 1) -> Pair:
    """Draw inputs with targets of a linear map and noise."""
    inputs = torch.randn(32, 8)
    return inputs, scale * (inputs @ WEIGHTS[:, :outputs] / 3 + 0.1 * torch.randn(32, outputs)) + shift


def cross_entropy(model: nn.Module, batch: Pair) -> Tensor:
    """Return the cross-entropy."""
    return functional.cross_entropy(model(batch[0]), batch[1])


def squared(model: nn.Module, batch: Pair) -> Tensor:
    """Return the mean squared error."""
    return functional.mse_loss(model(batch[0]), batch[1])


def with_logits(model: nn.Module, batch: Pair) -> Tensor:
    """Return the binary cross-entropy of scores."""
    return functional.binary_cross_entropy_with_logits(model(batch[0]), batch[1])


def workload(
    model: Callable[[], nn.Module], make: Callable[[], Any], loss: Callable[..., Tensor], **fields: Any
) -> Workload:
    """Return a workload whose batches `make` draws."""
    return Workload(**{"model": model, "data": batches(make), "loss": loss, "lr": 1e-3, **fields})


def loud(subject: Workload, seed: int = 0) -> dict[str, Finding]:
    """Return the errors and warnings of the rules on losses."""
    found = findings(subject, seed).among(*LOSS_RULES)
    return {name: one for name, one in found.items() if one.severity != "note"}


def term(**changes: Any) -> LossTerm:
    """Return a healthy cross-entropy over 10 classes with fields changed."""
    fields: dict[str, Any] = {
        "kind": "cross-entropy",
        "location": Location(module="head", file="train.py", line=7),
        "count": 256,
        "value": 2.4,
        "warmed_value": 1.9,
        "uninformed": 2.302585,
        "classes": 10,
    }
    return LossTerm(**{**fields, **changes})


def terms(*found: LossTerm, **changes: Any) -> LossTerms:
    """Return the evidence of a loss made of terms."""
    fields: dict[str, Any] = {
        "terms": found,
        "broadcasts": (),
        "examples": 32,
        "batches": 8,
        "loss": 2.4,
        "warmed_loss": 1.9,
        "zeroed_loss": None,
    }
    return LossTerms(**{**fields, **changes})
