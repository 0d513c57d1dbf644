"""A small causal transformer on text: replace it part by part with your own training.

It predicts each next byte of Python's own standard library. What trainsense needs is a
Workload: how the model is built, fed, scored and optimised.
    trainsense preflight FILE                checks setup, layers, architecture: seconds
    trainsense diagnose FILE --budget 5m     tries learning rates, warmup, clipping, fixes

Random numbers: draw them from torch's, NumPy's or Python's global generators. They are
seeded, so that two settings are compared on the same weights and the same batches.
"""

import argparse
import inspect
import tarfile

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset, random_split
from trainsense import Workload

SYMBOLS, LENGTH, WIDTH, HEADS, LAYERS = 256, 32, 32, 2, 2


def text() -> Tensor:
    """Return the numbers of the tokens, in their order. YOURS: your tokenizer's."""
    source = inspect.getsource(argparse) + inspect.getsource(tarfile)
    return torch.tensor(list(source.encode()))


# Windows of one token more than the model reads: its targets are its inputs, shifted.
WINDOWS = TensorDataset(text().unfold(0, LENGTH + 1, LENGTH))
# Split once, with a generator of its own: what is held out must never be trained on.
TRAIN, HELD_OUT = random_split(WINDOWS, [0.96, 0.04], torch.Generator().manual_seed(0))


class Block(nn.Module):
    """Attention to earlier positions and a perceptron, each behind its norm (pre-norm)."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)])
        self.query_key_value = nn.Linear(WIDTH, 3 * WIDTH)
        self.attended = nn.Linear(WIDTH, WIDTH)
        wide, narrow = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        self.mlp = nn.Sequential(wide, nn.GELU(), narrow)

    def forward(self, x: Tensor) -> Tensor:
        """Add what both branches find."""
        together = self.query_key_value(self.norms[0](x)).unflatten(-1, (3, HEADS, -1))
        query, key, value = together.permute(2, 0, 3, 1, 4)
        attention = nn.functional.scaled_dot_product_attention
        seen = attention(query, key, value, is_causal=True)
        x = x + self.attended(seen.transpose(1, 2).flatten(2))
        return x + self.mlp(self.norms[1](x))


class LanguageModel(nn.Module):
    """YOURS: your model. It returns raw scores (logits): the loss applies softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(SYMBOLS, WIDTH)
        self.positions = nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.Sequential(*[Block() for _ in range(LAYERS)])
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, SYMBOLS)

    def forward(self, tokens: Tensor) -> Tensor:
        """Give one score for each token that may come next, at each position."""
        places = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.blocks(self.tokens(tokens) + self.positions(places))
        return self.head(self.norm(x))


def data() -> DataLoader[tuple[Tensor, ...]]:
    """Return the training batches; called again whenever they run out."""
    return DataLoader(TRAIN, batch_size=8, shuffle=True, drop_last=True)


def loss(net: nn.Module, batch: list[Tensor]) -> Tensor:
    """Return the mean loss of one batch, as your training step computes it."""
    (windows,) = batch
    scores = net(windows[:, :-1])
    return nn.functional.cross_entropy(scores.flatten(0, 1), windows[:, 1:].flatten())


def optimizer(net: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Build your optimizer at the given lr (optional: without it AdamW)."""
    betas = 0.9, 0.95
    return torch.optim.AdamW(net.parameters(), lr=lr, betas=betas, weight_decay=0.1)


workload = Workload(
    model=LanguageModel,  # called once for every trial: fresh weights
    data=data,
    loss=loss,
    # From here on everything is optional: delete what you do not have.
    optimizer=optimizer,
    # Held-out batches: what every setting is scored on; left out: the training loss.
    eval_data=lambda: DataLoader(HELD_OUT, batch_size=64),
    metrics=lambda net, batch: {"perplexity": loss(net, batch).exp()},
    # How you train today: the baseline that everything is compared with.
    lr=0.01,  # left out: no baseline; the best lr is searched all the same
    schedule="cosine",  # a name in trainsense.SCHEDULES, or step -> factor on lr
    clip_norm=1.0,  # clipping threshold: global L2 norm of the gradient
    max_train_steps=5000,  # planned length of the real run, in optimizer steps
    accumulate=1,  # batches per optimizer step
    autocast=None,  # torch.bfloat16, or torch.float16 (brings a GradScaler)
)
