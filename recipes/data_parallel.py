"""A small classifier that several processes train: DistributedDataParallel under torchrun, plain without.

    torchrun --nproc-per-node 2 -m trainsense sweep-lr recipes/data_parallel.py

Must give no error and no warning. Two processes with 16 examples each give the losses of one with 32 (measured 2026-11-21: to
1e-6 over the first 10 steps), and the same best learning rate.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from trainsense import Workload

BATCH = 32
GENERATOR = torch.Generator().manual_seed(0)
ROWS = torch.randn(1024, 12, generator=GENERATOR)
LABELS = (ROWS @ torch.randn(12, 4, generator=GENERATOR)).argmax(1)


def share() -> tuple[int, int]:
    """Return this process's number and how many there are: trainsense has them joined by now."""
    return (distributed.get_rank(), distributed.get_world_size()) if distributed.is_initialized() else (0, 1)


def network() -> nn.Sequential:
    """Build one hidden layer."""
    return nn.Sequential(nn.Linear(12, 33), nn.ReLU(), nn.Linear(33, 4))


def model() -> nn.Module:
    """Build the network, wrapped where several processes train it."""
    return DistributedDataParallel(network()) if share()[1] > 1 else network()


def data() -> Iterator[tuple[Tensor, Tensor]]:
    """Yield this process's share of every batch: trainsense seeds all processes alike, so all draw the same order."""
    rank, count = share()
    for rows in torch.randperm(len(ROWS)).split(BATCH):
        yield ROWS[rows[rank::count]], LABELS[rows[rank::count]]


def loss(net: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Cross-entropy of the four classes: the mean over this process's share."""
    return F.cross_entropy(net(batch[0]), batch[1])


def optimizer(net: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return SGD with momentum."""
    return torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)


workload = Workload(model=model, data=data, loss=loss, optimizer=optimizer, lr=0.05)
