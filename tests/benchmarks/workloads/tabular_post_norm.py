"""A post-norm transformer over the columns of the wine data, Adam at too high a learning rate: it collapses.

Must give: lr-too-high (error), input-collapse (error).

Measured 2026-11-21, three seeds, held-out loss at 300 steps: lr 0.0002 0.04 to 0.07; 0.0005 0.03 to 0.13; 0.001 0.04 to 0.05;
0.002 0.16 to 0.26; 0.005 0.06 to 0.65; 0.01 0.45 to 1.08; 0.02 1.08, which is chance. 9 ms a step.
"""

from collections.abc import Iterator

import torch
from sklearn.datasets import load_wine
from torch import Tensor, nn

from trainsense import Workload

WINE = load_wine()
COLUMNS = torch.tensor(WINE.data, dtype=torch.float32)
COLUMNS = (COLUMNS - COLUMNS.mean(dim=0)) / COLUMNS.std(dim=0)
LABELS = torch.tensor(WINE.target)
ORDER = torch.randperm(len(LABELS), generator=torch.Generator().manual_seed(0))
TRAIN, HELD_OUT = ORDER[:128], ORDER[128:]
WIDTH = 32


class ColumnReader(nn.Module):
    """Makes a token of every column, mixes them in eight layers, and reads their mean."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.randn(COLUMNS.shape[1], WIDTH))
        self.shift = nn.Parameter(torch.randn(COLUMNS.shape[1], WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, 4, 2 * WIDTH, dropout=0.0, batch_first=True, norm_first=False)
        self.layers = nn.TransformerEncoder(layer, 8, enable_nested_tensor=False)
        self.head = nn.Linear(WIDTH, 3)

    def forward(self, columns: Tensor) -> Tensor:
        """Give the logits of the three cultivars."""
        tokens = columns[..., None] * self.scale + self.shift
        logits: Tensor = self.head(self.layers(tokens).mean(dim=1))
        return logits


def data() -> Iterator[list[Tensor]]:
    """Shuffle the training wines into batches of 16."""
    for rows in TRAIN[torch.randperm(len(TRAIN))].chunk(8):
        yield [COLUMNS[rows], LABELS[rows]]


def loss(net: nn.Module, batch: list[Tensor]) -> Tensor:
    """Cross-entropy of the cultivars."""
    return nn.functional.cross_entropy(net(batch[0]), batch[1])


workload = Workload(
    model=ColumnReader,
    data=data,
    loss=loss,
    optimizer=lambda net, lr: torch.optim.Adam(net.parameters(), lr=lr),
    eval_data=lambda: [[COLUMNS[HELD_OUT], LABELS[HELD_OUT]]],
    lr=0.02,
    max_train_steps=2000,
)
