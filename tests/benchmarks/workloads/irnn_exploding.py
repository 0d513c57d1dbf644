"""A recurrent ReLU network started at the identity (IRNN) that names the pitch of a noisy wave: it blows up within steps and.

Plain SGD at a learning rate that an LSTM would take well. Must give: lr-too-high (error), input-collapse.

Measured 2026-11-21, three seeds, held-out loss at 300 steps: lr 0.00005 0.75 to 0.79; 0.0001 0.76 to 0.86; 0.0002 0.90 to 1.47;
0.01 1.61, which is chance, after batch losses up to 93. Clipped at 1, 0.001: 0.73 to 0.77. 1.4 ms a step.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from trainsense import Workload

PITCHES, LENGTH, WIDTH = 5, 40, 40


class PitchReader(nn.Module):
    """Reads a wave sample by sample and scores the pitches at its end."""

    def __init__(self) -> None:
        super().__init__()
        self.recurrent = nn.RNN(1, WIDTH, nonlinearity="relu", batch_first=True)
        self.head = nn.Linear(WIDTH, PITCHES)
        for name, parameter in self.recurrent.named_parameters():
            if name == "weight_hh_l0":
                nn.init.eye_(parameter)
            elif name.startswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, wave: Tensor) -> Tensor:
        """Give the logits, shape `(batch, pitch)`."""
        logits: Tensor = self.head(self.recurrent(wave)[0][:, -1])
        return logits


def waves(count: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Draw waves of 2 to 10 periods, of random phase and under noise, and their pitches."""
    pitches = torch.randint(PITCHES, (count,), generator=generator)
    phase = torch.rand(count, 1, generator=generator)
    time = torch.linspace(0, 1, LENGTH)
    clean = (2 * math.pi * (2 * (1 + pitches[:, None]) * time + phase)).sin()
    noise = torch.randn(count, LENGTH, generator=generator)
    return (clean + 0.3 * noise).unsqueeze(2), pitches


def data() -> Iterator[tuple[Tensor, Tensor]]:
    """Draw fresh batches of 50."""
    for _ in range(1000):
        yield waves(50)


def loss(net: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Cross-entropy of the pitches."""
    return nn.functional.cross_entropy(net(batch[0]), batch[1])


workload = Workload(
    model=PitchReader,
    data=data,
    loss=loss,
    optimizer=lambda net, lr: torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9),
    eval_data=lambda: [waves(256, torch.Generator().manual_seed(1))],
    lr=0.01,
)
