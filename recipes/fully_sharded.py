"""The network of data_parallel.py with its parameters sharded over the processes: FSDP2 under torchrun, plain without.

    torchrun --nproc-per-node 2 -m trainsense sweep-lr recipes/fully_sharded.py

Must give no error and no warning. Measured 2026-11-21: losses, gradient norms and updates of two processes are those of one to
1e-5 over the first 10 steps.
"""

import torch
from data_parallel import data, loss, network, share
from torch import nn
from torch.distributed.fsdp import fully_shard

from trainsense import Workload


def model() -> nn.Module:
    """Build the network, each layer sharded by itself, where several processes train it."""
    net = network()
    if share()[1] > 1:
        for layer in (net[0], net[2], net):
            fully_shard(layer)
    return net


def optimizer(net: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return AdamW, whose state is sharded as the parameters are."""
    return torch.optim.AdamW(net.parameters(), lr=lr)


workload = Workload(model=model, data=data, loss=loss, optimizer=optimizer, lr=0.005)
