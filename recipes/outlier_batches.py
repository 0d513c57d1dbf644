"""A small network on clean data until step 100; from there on 2 % of the batches arrive twenty times too large.

As when one corrupt shard enters a stream. Gradient clipping helps, since it caps exactly those steps; warmup does not,
since it is over when the first one comes.

Must give: gradient-outliers, and mid-training-instability where enough of them fall into a run.

Measured 2026-11-21, 3 seeds, clean held-out loss after 300 steps by lr: 0.046: 1.6; 0.1: 1.4 to 1.7; 0.22: 1.6 to 1.9;
0.3: 1.8 to 2.1 (probe loss up by 18 to 57). Clipped at 1.5, 0.1: 0.93 to 0.96; 0.3: 0.89 to 0.93. With 100 steps of
warmup 0.3: 1.7 to 2.6. 0.3 ms a step.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainsense import Workload

TEACHER = torch.Generator().manual_seed(0)
FIRST, SECOND = torch.randn(20, 20, generator=TEACHER), torch.randn(20, 10, generator=TEACHER)
BATCHES = 2000  # a long stream: it is not started again within a run, so the first 100 batches stay clean
CLEAN, SHARE, SCALE = 100, 0.02, 20.0


def label(inputs: Tensor) -> Tensor:
    """Name the class a fixed random network gives each input."""
    return ((0.5 * inputs @ FIRST).tanh() @ SECOND).argmax(dim=1)


def model() -> nn.Module:
    """Build two hidden layers of 128."""
    return nn.Sequential(nn.Linear(20, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))


def data() -> Iterator[tuple[Tensor, Tensor]]:
    """Draw fresh batches of 64; late in the stream, a few are scaled after they were labelled."""
    outlier = (torch.rand(BATCHES) < SHARE) & (torch.arange(BATCHES) >= CLEAN)
    for scaled in outlier.tolist():
        inputs = torch.randn(64, 20)
        yield inputs * (SCALE if scaled else 1.0), label(inputs)


def held_out() -> list[tuple[Tensor, Tensor]]:
    """Draw 512 clean examples, always the same."""
    inputs = torch.randn(512, 20, generator=torch.Generator().manual_seed(1))
    return [(inputs, label(inputs))]


workload = Workload(
    model=model,
    data=data,
    loss=lambda net, batch: F.cross_entropy(net(batch[0]), batch[1]),
    optimizer=lambda net, lr: torch.optim.SGD(net.parameters(), lr=lr),
    eval_data=held_out,
    lr=0.3,
    max_train_steps=2000,
)
