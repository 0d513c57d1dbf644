"""A stack takes no more memory than it was given."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tests.cases import CPU
from tests.peak_memory import peak_bytes
from tests.runners.stacked.agreement import trials
from trainsense import Workload
from trainsense.runners.bench import prepare
from trainsense.runners.stacked.first_pass import first_pass
from trainsense.runners.stacked.memory import most_trials
from trainsense.runners.stacked.together import train_together
from trainsense.workload.seeding import random_state_kept

BATCH, BOUND, COUNT = 8, 8 << 20, 64


class Reading(nn.Module):
    """A sequence model with a head."""

    def __init__(self, body: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.body, self.head = body(), nn.Linear(32, 4)

    def forward(self, rows: Tensor) -> Tensor:
        found = self.body(rows)
        logits: Tensor = self.head((found[0] if isinstance(found, tuple) else found).mean(dim=1))
        return logits


def convolutions() -> nn.Module:
    middle = [nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU()) for _ in range(2)]
    return nn.Sequential(
        nn.Unflatten(1, (1, 16)),
        nn.Conv2d(1, 8, 3, 1, 1),
        *middle,
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(128, 4),
    )


def attention() -> nn.Module:
    return nn.TransformerEncoderLayer(32, 4, 32, dropout=0.0, batch_first=True)


MODELS: dict[str, Callable[[], nn.Module]] = {
    "wide": lambda: nn.Sequential(nn.Flatten(), nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 4)),
    "convolutions with BatchNorm": convolutions,
    "GRU": lambda: Reading(lambda: nn.GRU(32, 32, batch_first=True)),
    "attention": lambda: Reading(attention),
}


def amsgrad(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return the optimizer that remembers most."""
    return torch.optim.AdamW(model.parameters(), lr, amsgrad=True)


@pytest.mark.parametrize("name", MODELS)
def test_the_bound_holds(name: str) -> None:
    """As many trials as fit are stacked; their peak is within the bound, also while one of them leaves."""
    batches = [(torch.randn(BATCH, 16, 32), torch.randint(4, (BATCH,))) for _ in range(2)]
    made = Workload(
        model=MODELS[name],
        data=lambda: batches,
        loss=lambda model, batch: cross_entropy(model(batch[0]), batch[1]),
        optimizer=amsgrad,
    )
    with random_state_kept():
        bench = prepare(made, CPU, 0)
    planned = [*trials(*(1e-3 * 1.01**k for k in range(COUNT)), steps=2)]
    most = most_trials(first_pass(bench, planned[0]), CPU, BOUND)
    assert 2 <= most < COUNT
    planned = [*trials(1e38, steps=2), *planned[1:most]]
    held = peak_bytes(lambda: list(train_together(bench, planned, [])))
    assert BOUND / 10 < held <= BOUND, f"{most} trials held {held / 2**20:.1f} MiB"
