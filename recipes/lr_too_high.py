"""A plain network on digits, sound but for a learning rate some five times too high for momentum.

Must give: lr-too-high (error).

Measured 2026-11-21, 3 seeds, held-out loss after 300 steps by lr: 0.022: 0.11 to 0.12; 0.046: 0.10 to 0.11; 0.1: 0.10
to 0.11; 0.22: 0.15 to 0.25; 0.3: 0.3 to 0.8; 0.5: 2.1 to 2.3, which is chance. 0.4 ms a step.
"""

from collections.abc import Iterator

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD, Optimizer

from trainsense import Workload

DIGITS = load_digits()
PIXELS = torch.tensor(DIGITS.data, dtype=torch.float32)
PIXELS = (PIXELS - PIXELS.mean()) / PIXELS.std()
LABELS = torch.tensor(DIGITS.target)
TRAIN, HELD_OUT = torch.randperm(len(LABELS), generator=torch.Generator().manual_seed(0)).split([1500, 297])


def model() -> nn.Module:
    """Build two hidden layers of 128."""
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))


def data() -> Iterator[tuple[Tensor, Tensor]]:
    """Shuffle the training digits into batches of 64."""
    for rows in TRAIN[torch.randperm(len(TRAIN))].split(64):
        yield PIXELS[rows], LABELS[rows]


def held_out() -> list[tuple[Tensor, Tensor]]:
    """Return the 297 digits that are never trained on."""
    return [(PIXELS[HELD_OUT], LABELS[HELD_OUT])]


def loss(net: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Cross-entropy of the ten classes."""
    return F.cross_entropy(net(batch[0]), batch[1])


def optimizer(net: nn.Module, lr: float) -> Optimizer:
    """Build SGD with momentum 0.9."""
    return SGD(net.parameters(), lr=lr, momentum=0.9)


workload = Workload(model=model, data=data, loss=loss, optimizer=optimizer, eval_data=held_out, lr=0.5)
