"""Four pre-norm layers of width 128 on 32 tokens: where the activations take more memory than the weights."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from trainsense import Workload

TOKENS = torch.randint(0, 64, (1024, 33), generator=torch.Generator().manual_seed(0))


class Decoder(nn.Module):
    """A causal transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(64, 128)
        self.positions = nn.Parameter(0.02 * torch.randn(32, 128))
        layer = nn.TransformerEncoderLayer(128, 4, 512, 0.1, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
        self.head = nn.Linear(128, 64)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the logits of the next token."""
        mask = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1])
        hidden = self.layers(self.embedding(tokens) + self.positions, mask=mask, is_causal=True)
        logits: Tensor = self.head(hidden)
        return logits


def data() -> Iterator[Tensor]:
    """Shuffle the sequences into batches of 32."""
    for rows in torch.randperm(len(TOKENS)).split(32):  # type: ignore[no-untyped-call]
        yield TOKENS[rows]


def loss(net: nn.Module, batch: Tensor) -> Tensor:
    """Cross-entropy of the next token."""
    return nn.functional.cross_entropy(net(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())


workload = Workload(model=Decoder, data=data, loss=loss, lr=1e-3)
