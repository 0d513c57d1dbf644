"""A small wide residual network (BatchNorm) on digits whose last block has stride 1 instead of 2.

The fixed 2x2 pooling then hands 4 x 512 features instead of 512 to the output layer, and training blows up within a
few steps at an lr that the right stride takes well. Healthy twin: wide_resnet.py.

Must give: early-instability (error), lr-too-high.

Measured 2026-11-21, 3 seeds, held-out loss after 300 steps by lr: 0.022: 0.04 to 0.07; 0.046: 0.08 to 0.16; 0.1: 0.13
to 1.9; 0.3: 1.3 to 2.2 (6 seeds; up by 21 to 33 within 5 steps), after 50 steps of warmup 0.07 to 0.16. 6 ms a step.
"""

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from trainsense import Workload

DIGITS = load_digits()
IMAGES = torch.tensor(DIGITS.images, dtype=torch.float32).unsqueeze(1)
IMAGES = (IMAGES - IMAGES.mean()) / IMAGES.std()
LABELS = torch.tensor(DIGITS.target)
TRAIN, HELD_OUT = torch.randperm(len(LABELS), generator=torch.Generator().manual_seed(0)).split([1500, 297])


class Block(nn.Module):
    """Two pre-activated 3x3 convolutions beside a 1x1 shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
        first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
        self.branch = nn.Sequential(*first, nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Add the branch to the shortcut."""
        x = torch.relu(self.norm(x))
        return self.shortcut(x) + self.branch(x)


def model() -> nn.Module:
    """Build blocks of 8, 16 and 32 channels, a 512-wide head and a fixed pooling window."""
    blocks = Block(8, 8, 1), Block(8, 16, 2), Block(16, 32, 1)  # the last stride should be 2
    head = nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 512, 1, bias=False), nn.BatchNorm2d(512), nn.ReLU()
    output = nn.AvgPool2d(2), nn.Flatten(), nn.Linear(2048, 10)
    net = nn.Sequential(nn.Conv2d(1, 8, 3, 1, 1, bias=False), *blocks, *head, *output)
    for weight in filter(lambda parameter: parameter.dim() > 1, net.parameters()):
        nn.init.kaiming_normal_(weight, nonlinearity="linear")
    return net


workload = Workload(
    model=model,
    data=lambda: [(IMAGES[rows], LABELS[rows]) for rows in TRAIN[torch.randperm(len(TRAIN))].split(32)],
    loss=lambda net, batch: nn.functional.cross_entropy(net(batch[0]), batch[1]),
    optimizer=lambda net, lr: torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9),
    eval_data=lambda: [(IMAGES[HELD_OUT], LABELS[HELD_OUT])],
    lr=0.3,
)
