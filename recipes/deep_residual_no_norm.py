"""Ten residual blocks without normalisation: the first gradients are a hundred times larger than later ones.

Each branch adds its full He-initialised output, so loss and gradient norm grow with depth before training has begun;
both fall within dozens of steps where the first ones are survived. Clipping makes them harmless, and with it a larger
learning rate pays.

Must give: early-instability (error), lr-too-high; fix clip-grad-norm (also bad-initial-loss, missing-normalization).

Measured 2026-11-21, 3 seeds, held-out loss after 300 steps by lr: 0.0001: 0.57 to 0.86; 0.00022: 0.32 to 0.54;
0.00046: 0.38 and twice NaN; 0.001: NaN from step 6 at the latest (all). Clipped at 80, 0.001: 0.15 to 0.25; 0.0046:
0.13 to 0.16. Gradient norm 1200 at first, about 4 later (lr 0.00022). 1.4 ms a step.
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


class Block(nn.Module):
    """A two-layer branch on an identity shortcut, with nothing to keep its scale."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        for layer in self.branch[::2]:
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Add the branch to its input."""
        return x + self.branch(x)


def data() -> Iterator[tuple[Tensor, Tensor]]:
    """Shuffle the training digits into batches of 64."""
    for rows in TRAIN[torch.randperm(len(TRAIN))].split(64):
        yield PIXELS[rows], LABELS[rows]


workload = Workload(
    model=lambda: nn.Sequential(nn.Linear(64, 64), *[Block(64) for _ in range(10)], nn.Linear(64, 10)),
    data=data,
    loss=lambda net, batch: F.cross_entropy(net(batch[0]), batch[1]),
    optimizer=lambda net, lr: torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9),
    eval_data=lambda: [(PIXELS[HELD_OUT], LABELS[HELD_OUT])],
    lr=1e-3,
    max_train_steps=3000,
)
