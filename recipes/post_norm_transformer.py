"""A character transformer with the norm after the addition, trained without warmup: it forgets its inputs at once.

Nine layers of Norm(x + f(x)) on the source of Python's own library. At this learning rate the first steps push it to
the entropy of single characters (2.9 nats), where it stays without ever exceeding its initial loss; with a warmup of
100 to 200 steps it trains, and better than at any lr without (pre_norm_transformer.py is its healthy twin).

Must give: input-collapse (error), early-instability, lr-too-high; fix warmup (also post-norm-residual).

FIGURES
"""

import ast
from pathlib import Path

import torch
from torch import Tensor, nn

from trainsense import Workload

FILES = [Path(ast.__file__).with_name(f"{name}.py") for name in ("ast", "argparse", "inspect", "typing", "tarfile")]
SOURCE = "".join(file.read_text(encoding="utf-8").lower() for file in FILES)
TEXT = torch.tensor([min(ord(character), 127) for character in SOURCE]).unique(return_inverse=True)[1]
SYMBOLS, TRAIN, LENGTH, WIDTH = int(TEXT.max()) + 1, len(TEXT) * 9 // 10, 16, 48


class LanguageModel(nn.Module):
    """Predicts each next character from those before it."""

    def __init__(self) -> None:
        super().__init__()
        self.characters = nn.Embedding(SYMBOLS, WIDTH)
        self.positions = nn.Parameter(0.1 * torch.randn(LENGTH, WIDTH))
        shape = {"d_model": WIDTH, "nhead": 4, "dim_feedforward": 2 * WIDTH, "dropout": 0.0, "batch_first": True}
        layer = nn.TransformerEncoderLayer(**shape, norm_first=False)
        self.layers = nn.TransformerEncoder(layer, 9, enable_nested_tensor=False)
        for weight in filter(lambda parameter: parameter.dim() > 1, self.layers.parameters()):
            nn.init.xavier_uniform_(weight)
        self.head = nn.Linear(WIDTH, SYMBOLS)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(LENGTH))

    def forward(self, characters: Tensor) -> Tensor:
        """Give the logits of the next character at each position."""
        x = self.characters(characters) + self.positions
        return self.head(self.layers(x, mask=self.mask, is_causal=True))


def windows(starts: Tensor) -> tuple[Tensor, Tensor]:
    """Cut the inputs and, one character on, the targets."""
    inputs = starts[:, None] + torch.arange(LENGTH)
    return TEXT[inputs], TEXT[inputs + 1]


workload = Workload(
    model=LanguageModel,
    data=lambda: map(windows, torch.randint(TRAIN - LENGTH, (2000, 16))),
    loss=lambda net, batch: nn.functional.cross_entropy(net(batch[0]).flatten(0, 1), batch[1].flatten()),
    optimizer=lambda net, lr: torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9),
    eval_data=lambda: [windows(torch.linspace(TRAIN, len(TEXT) - LENGTH - 2, 256).long())],
    lr=0.08,
    max_train_steps=3000,
)
