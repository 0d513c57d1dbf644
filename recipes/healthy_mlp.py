"""A plain network on digits with dropout and AdamW, at a sensible learning rate: healthy.

Must give no error and no warning.

Measured 2026-11-21, 3 seeds, held-out loss after 300 steps by lr: 0.001: 0.10 to 0.12; 0.0022 to 0.0046: 0.08 to
0.10; 0.01: 0.09 to 0.13; 0.022: 0.15 to 0.21. With warmup or clipping at 0.0046: 0.09 to 0.10; at 0.01: 0.10 to 0.15.
0.6 ms a step.
"""

from collections.abc import Iterator

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

from trainsense import Workload

DIGITS = load_digits()
PIXELS = torch.tensor(DIGITS.data, dtype=torch.float32)
PIXELS = (PIXELS - PIXELS.mean()) / PIXELS.std()
LABELS = torch.tensor(DIGITS.target)
TRAIN, HELD_OUT = torch.randperm(len(LABELS), generator=torch.Generator().manual_seed(0)).split([1500, 297])


def model() -> nn.Module:
    """Build two hidden layers of 128 with a little dropout."""
    layers = nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.1), nn.Linear(128, 128), nn.ReLU(), nn.Dropout(0.1)
    return nn.Sequential(*layers, nn.Linear(128, 10))


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


workload = Workload(model=model, data=data, loss=loss, eval_data=held_out, lr=0.005)
