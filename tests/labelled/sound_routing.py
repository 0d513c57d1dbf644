"""Sound: softmax as a weight: experts, pooling, and a model that returns its own loss."""

from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.labelled.case import sound
from tests.labelled.faulty_examples import ROWS
from tests.labelled.ingredients import (
    GROUP,
    LABELS,
    TABLE,
    accuracy,
    adam,
    adamw,
    cross_entropy,
    momentum,
    shuffled,
)
from tests.labelled.sound_transformers import Encoder
from trainsense import Workload


class Experts(nn.Module):
    """Four experts, weighted by a softmax gate."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.stem = nn.Linear(16, 4), nn.Linear(16, 32)
        self.experts = nn.ModuleList([nn.Linear(32, 32) for _ in range(4)])
        self.head = nn.Linear(32, 5)

    def forward(self, rows: Tensor) -> Tensor:
        weights = self.gate(rows).softmax(dim=-1)
        x = functional.relu(self.stem(rows))
        outputs = torch.stack([functional.relu(expert(x)) for expert in self.experts], dim=-1)
        return self.head((outputs * weights[:, None]).sum(dim=-1))


def gate_over_four_experts() -> Workload:
    """The softmax weighs what the experts say."""
    return Workload(model=Experts, data=shuffled(32, TABLE, GROUP), loss=cross_entropy, optimizer=adam, lr=3e-3)


class Routed(nn.Module):
    """One of four experts for each row, scaled by its gate."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.stem, self.head = nn.Linear(16, 4), nn.Linear(16, 32), nn.Linear(32, 5)
        self.experts = nn.ModuleList([nn.Linear(32, 32) for _ in range(4)])

    def forward(self, rows: Tensor) -> Tensor:
        weight, chosen = self.gate(rows).softmax(dim=-1).max(dim=-1)
        x = functional.relu(self.stem(rows))
        y = torch.zeros_like(x)
        for index, expert in enumerate(self.experts):
            mine = chosen == index
            if mine.any():
                y[mine] = weight[mine, None] * functional.relu(expert(x[mine]))
        return self.head(x + y)


def routing_to_one_of_four_experts() -> Workload:
    """An expert that no row of a batch goes to gets no gradient from it."""
    return Workload(model=Routed, data=shuffled(8, TABLE, GROUP), loss=cross_entropy, optimizer=adam, lr=2e-3)


@dataclass
class Output:
    """What the model below returns."""

    loss: Tensor | None
    logits: Tensor


class WithOwnLoss(nn.Module):
    """Returns its loss in an object when it is given labels."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder(1, norm_first=True)

    def forward(self, pixel_values: Tensor, labels: Tensor | None = None) -> Output:
        logits = self.encoder(pixel_values)
        return Output(loss=None if labels is None else functional.cross_entropy(logits, labels), logits=logits)


def _named() -> Any:
    return ({"pixel_values": rows, "labels": labels} for rows, labels in shuffled(32, ROWS, LABELS)())


def model_that_returns_its_loss() -> Workload:
    """In the style of transformers."""
    return Workload(
        model=WithOwnLoss, data=_named, loss=lambda model, batch: model(**batch).loss, optimizer=adamw, lr=5e-3
    )


class PoolingByAttention(nn.Module):
    """Rows weighted by a softmax over time, then a network."""

    def __init__(self) -> None:
        super().__init__()
        self.rows, self.score, self.head = nn.Linear(8, 48), nn.Linear(48, 3), nn.Linear(144, 10)

    def forward(self, rows: Tensor) -> Tensor:
        x = torch.tanh(self.rows(rows))
        weights = functional.softmax(self.score(x), dim=1)
        return self.head(torch.einsum("bth,btw->bhw", weights, x).flatten(1))


def softmax_over_time() -> Workload:
    """Three attention poolings over eight rows."""
    return Workload(
        model=PoolingByAttention, data=shuffled(32, ROWS, LABELS), loss=cross_entropy, optimizer=momentum, lr=0.1
    )


CASES: Final = (
    sound(gate_over_four_experts, "inner-softmax", "constant-output", score=accuracy),
    sound(routing_to_one_of_four_experts, "no-gradient", "inner-softmax", score=accuracy),
    sound(model_that_returns_its_loss, "ignores-input", score=None),
    sound(softmax_over_time, "inner-softmax", score=accuracy),
)
