"""A million parameters in three layers: where the weights take more memory than the activations."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from trainsense import Workload

ROWS = torch.randn(2048, 64, generator=torch.Generator().manual_seed(0))
LABELS = ROWS[:, :10].argmax(dim=1)


def model() -> nn.Module:
    """Build two hidden layers of 1024."""
    return nn.Sequential(nn.Linear(64, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))


def data() -> Iterator[tuple[Tensor, Tensor]]:
    """Shuffle the rows into batches of 64."""
    for rows in torch.randperm(len(ROWS)).split(64):  # type: ignore[no-untyped-call]
        yield ROWS[rows], LABELS[rows]


def loss(net: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Cross-entropy of the ten classes."""
    return nn.functional.cross_entropy(net(batch[0]), batch[1])


workload = Workload(model=model, data=data, loss=loss, lr=1e-3)
