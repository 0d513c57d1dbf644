"""A plain network on digits that hands probabilities to a loss that takes the softmax once more.

Must give: double-softmax (error), from preflight already.

Measured 2026-11-21, 3 seeds, held-out loss and accuracy after 300 steps: 1.55 to 1.62 and 0.86 to 0.94 at lr 0.001 (1.50
to 1.61 at 0.01; no less than ln(e + 9) - 1 = 1.46 can be had); without the softmax 0.17 to 0.21 and 0.93 to 0.96.
0.4 ms a step.
"""

from collections.abc import Iterator

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam, Optimizer

from trainsense import Workload

DIGITS = load_digits()
PIXELS = torch.tensor(DIGITS.data, dtype=torch.float32) / 16
LABELS = torch.tensor(DIGITS.target)
TRAIN, HELD_OUT = torch.randperm(len(LABELS), generator=torch.Generator().manual_seed(0)).split([1500, 297])


def model() -> nn.Module:
    """Build two hidden layers of 64 and an output that is a softmax already."""
    layers = [nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)]
    return nn.Sequential(*layers, nn.Softmax(dim=1))


def data() -> Iterator[tuple[Tensor, Tensor]]:
    """Shuffle the training digits into batches of 64."""
    for rows in TRAIN[torch.randperm(len(TRAIN))].split(64):
        yield PIXELS[rows], LABELS[rows]


def held_out() -> list[tuple[Tensor, Tensor]]:
    """Return the 297 digits that are never trained on."""
    return [(PIXELS[HELD_OUT], LABELS[HELD_OUT])]


def loss(net: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Cross-entropy of the ten classes, which takes logits."""
    return F.cross_entropy(net(batch[0]), batch[1])


def optimizer(net: nn.Module, lr: float) -> Optimizer:
    """Build Adam."""
    return Adam(net.parameters(), lr=lr)


workload = Workload(model=model, data=data, loss=loss, optimizer=optimizer, eval_data=held_out, lr=1e-3)
