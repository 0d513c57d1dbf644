"""A convolutional network with BatchNorm on digits, SGD with momentum at a sensible learning rate: healthy.

Must give no error and no warning.

Measured 2026-11-21, 3 seeds, held-out loss after 300 steps by lr: 0.022: 0.04 to 0.06; 0.046: 0.03 to 0.05; 0.1: 0.04
to 0.05; 0.22: 0.04 to 0.06; 0.46: 0.04 to 0.08. With warmup or clipping at 0.1 or 0.22: 0.03 to 0.07. 1.9 ms a step.
"""

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split

from trainsense import Workload

DIGITS = load_digits()
IMAGES = torch.tensor(DIGITS.images, dtype=torch.float32).unsqueeze(1)
DATASET = TensorDataset((IMAGES - IMAGES.mean()) / IMAGES.std(), torch.tensor(DIGITS.target))
TRAIN, HELD_OUT = random_split(DATASET, [1500, 297], torch.Generator().manual_seed(0))


def stage(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """Build a 3x3 convolution with its norm and activation."""
    convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def model() -> nn.Module:
    """Build three stages of 16, 32 and 32 channels."""
    return nn.Sequential(stage(1, 16, 1), stage(16, 32, 2), stage(32, 32, 2), nn.Flatten(), nn.Linear(128, 10))


def data() -> DataLoader:
    """Shuffle the training digits into batches of 64."""
    return DataLoader(TRAIN, batch_size=64, shuffle=True)


def loss(net: nn.Module, batch: list[Tensor]) -> Tensor:
    """Cross-entropy of the ten classes."""
    return F.cross_entropy(net(batch[0]), batch[1])


def metrics(net: nn.Module, batch: list[Tensor]) -> dict[str, Tensor]:
    """Share of digits named right."""
    return {"accuracy": (net(batch[0]).argmax(dim=1) == batch[1]).float().mean()}


workload = Workload(
    model=model,
    data=data,
    loss=loss,
    optimizer=lambda net, lr: torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9),
    eval_data=lambda: DataLoader(HELD_OUT, batch_size=297),
    metrics=metrics,
    lr=0.1,
)
