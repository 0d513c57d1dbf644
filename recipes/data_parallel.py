"""A small classifier that trains on several processes: DistributedDataParallel under torchrun, plain without.

Command: torchrun --nproc-per-node 2 -m trainsense sweep-lr recipes/data_parallel.py
Healthy: no error, no warning. One process with batches of 32 and two with 16 each give the same losses.
"""

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from trainsense import Workload

BATCH = 32
_generator = torch.Generator().manual_seed(0)
INPUTS = torch.randn(1024, 12, generator=_generator)
LABELS = (INPUTS @ torch.randn(12, 4, generator=_generator)).argmax(1)


def rank_and_count() -> tuple[int, int]:
    """Return this process's number and how many there are."""
    if distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def build_model() -> nn.Module:
    """Build the network, wrapped where several processes train it."""
    model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))
    return DistributedDataParallel(model) if rank_and_count()[1] > 1 else model


def batches():
    """Yield this process's share of every batch: trainsense seeds all processes alike, so all draw the same order."""
    rank, count = rank_and_count()
    for rows in torch.randperm(len(INPUTS)).split(BATCH):
        share = rows[rank::count]
        yield INPUTS[share], LABELS[share]


def loss(model, batch):
    """Cross entropy."""
    inputs, labels = batch
    return nn.functional.cross_entropy(model(inputs), labels)


def optimizer(model, lr):
    """SGD with momentum."""
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)


workload = Workload(model=build_model, data=batches, loss=loss, optimizer=optimizer, lr=0.05)
