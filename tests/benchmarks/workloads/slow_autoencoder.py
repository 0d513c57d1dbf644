"""An autoencoder of photograph patches, Nesterov momentum at a learning rate some five hundred times too low: it barely moves.

Inputs are their own targets. Must give: lr-too-low (error).

Measured 2026-11-21, three seeds, held-out loss at 300 steps: lr 0.0002 0.86 to 0.95 (1.03 untrained); 0.01 0.12; 0.05 0.09; 0.1
0.08; 0.2 0.06, NaN, 0.06; 0.5 NaN. 0.3 ms a step.
"""

from collections.abc import Iterator

import torch
from sklearn.datasets import load_sample_image
from torch import Tensor, nn

from trainsense import Workload

SIDE = 10
PHOTOGRAPH = torch.tensor(load_sample_image("china.jpg"), dtype=torch.float32).mean(dim=2)
PATCHES = PHOTOGRAPH.unfold(0, SIDE, 7).unfold(1, SIDE, 7).reshape(-1, SIDE * SIDE)
PATCHES = (PATCHES - PATCHES.mean()) / PATCHES.std()
ORDER = torch.randperm(len(PATCHES), generator=torch.Generator().manual_seed(0))
TRAIN, HELD_OUT = ORDER[250:], ORDER[:250]


def model() -> nn.Module:
    """Build an encoder to 12 numbers and its mirror image."""
    pixels, width, code = SIDE * SIDE, 96, 12
    encoder = nn.Linear(pixels, width), nn.ELU(), nn.Linear(width, code)
    return nn.Sequential(*encoder, nn.Linear(code, width), nn.ELU(), nn.Linear(width, pixels))


def data() -> Iterator[Tensor]:
    """Shuffle the training patches into batches of about 40."""
    for rows in TRAIN[torch.randperm(len(TRAIN))].chunk(32):
        yield PATCHES[rows]


def loss(net: nn.Module, patches: Tensor) -> Tensor:
    """Mean squared error of the restored patches."""
    return nn.functional.mse_loss(net(patches), patches)


workload = Workload(
    model=model,
    data=data,
    loss=loss,
    optimizer=lambda net, lr: torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9, nesterov=True),
    eval_data=lambda: [PATCHES[HELD_OUT]],
    lr=2e-4,
)
