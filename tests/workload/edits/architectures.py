"""Small models of many makes, with a batch and a loss each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainsense.workload.edits import Example


def _draws(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def _ids(*shape: int) -> Tensor:
    return torch.randint(11, shape, generator=torch.Generator().manual_seed(1))


def squares(model: nn.Module, batch: Any) -> Tensor:
    """The mean square of whatever comes out."""
    out = model(batch)
    first: Tensor = out if isinstance(out, Tensor) else out[0]
    return first.float().square().mean()


class MLPBlock(nn.Module):
    """`x + f(x)`."""

    def __init__(self, width: int = 6) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 10)
        self.fc2 = nn.Linear(10, width)

    def forward(self, x: Tensor) -> Any:
        return x + self.fc2(torch.tanh(self.fc1(x)))


class ResidualMLP(nn.Module):
    """A loop over a ModuleList."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(3, 6)
        self.blocks = nn.ModuleList([MLPBlock(), MLPBlock()])
        self.head = nn.Linear(6, 1)

    def forward(self, x: Tensor) -> Any:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


class FromTheInput(nn.Module):
    """Its first stream is the raw input."""

    def __init__(self) -> None:
        super().__init__()
        self.block = MLPBlock(3)

    def forward(self, x: Tensor) -> Any:
        return self.block(x)


class ConvBlock(nn.Module):
    """He et al. 2016a: conv, norm, ReLU, conv, norm, sum, ReLU."""

    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outer)
        self.conv2 = nn.Conv2d(outer, outer, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outer)
        self.shortcut = nn.Sequential()
        if stride != 1 or inner != outer:
            self.shortcut = nn.Sequential(nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer))

    def forward(self, x: Tensor) -> Any:
        out = functional.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return functional.relu(out)


class PreactBlock(nn.Module):
    """He et al. 2016b: the shortcut branches off behind the first norm and ReLU where it projects."""

    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv1 = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outer)
        self.conv2 = nn.Conv2d(outer, outer, 3, 1, 1, bias=False)
        self.shortcut = nn.Conv2d(inner, outer, 1, stride, bias=False) if stride != 1 or inner != outer else None

    def forward(self, x: Tensor) -> Any:
        out = functional.relu(self.bn1(x))
        shortcut = x if self.shortcut is None else self.shortcut(out)
        return self.conv2(functional.relu(self.bn2(self.conv1(out)))) + shortcut


def resnet(block: Callable[[int, int, int], nn.Module]) -> nn.Module:
    """Two blocks, one of which projects."""
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        block(4, 4, 1),
        block(4, 8, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 2),
    )


class TorchLM(nn.Module):
    """torch's encoder between embeddings with positions and an output layer."""

    def __init__(self, *, norm_first: bool = False) -> None:
        super().__init__()
        self.tokens = nn.Embedding(11, 8)
        self.positions = nn.Parameter(0.1 * torch.randn(5, 8))
        layer = nn.TransformerEncoderLayer(8, 2, 12, 0.1, batch_first=True, norm_first=norm_first)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=not norm_first)
        self.head = nn.Linear(8, 11)

    def forward(self, ids: Tensor) -> Any:
        return self.head(self.encoder(self.tokens(ids) + self.positions))


class TorchSeq2Seq(nn.Module):
    """torch's decoder, which reads a memory."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(11, 8)
        self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 12, 0.0, batch_first=True), 1)
        self.head = nn.Linear(8, 11)

    def forward(self, ids: Tensor) -> Any:
        hidden = self.tokens(ids)
        return self.head(self.decoder(hidden, hidden.flip(1)))


class PostNormBlock(nn.Module):
    """Attention and feed-forward, each `norm(x + f(x))`."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm1 = nn.LayerNorm(8)
        self.norm2 = nn.LayerNorm(8)
        self.fc1 = nn.Linear(8, 12)
        self.fc2 = nn.Linear(12, 8)
        self.rate = 0.1

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Any:
        attended, _ = self.attention(x, x, x, attn_mask=mask, need_weights=False)
        x = self.norm1(x + functional.dropout(attended, self.rate, training=self.training))
        return self.norm2(x + self.fc2(functional.relu(self.fc1(x))))


class PreNormTwin(PostNormBlock):
    """The same with each norm at the head of its branch."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Any:
        h = self.norm1(x)
        attended, _ = self.attention(h, h, h, attn_mask=mask, need_weights=False)
        x = x + functional.dropout(attended, self.rate, training=self.training)
        return x + self.fc2(functional.relu(self.fc1(self.norm2(x))))


class PostNormNet(nn.Module):
    """A loop over such blocks, embeddings with a norm before, positions from the input's size."""

    def __init__(self, block: type[nn.Module] = PostNormBlock) -> None:
        super().__init__()
        self.tokens = nn.Embedding(11, 8)
        self.positions = nn.Embedding(5, 8)
        self.norm = nn.LayerNorm(8)
        self.blocks = nn.ModuleList([block(), block()])
        self.head = nn.Linear(8, 11)

    def forward(self, ids: Tensor) -> Any:
        x = self.tokens(ids)
        x = self.norm(x + self.positions(torch.arange(x.shape[1])))
        for block in self.blocks:
            x = block(x)
        return self.head(x)


class RMSNorm(nn.Module):
    """Written by hand."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Any:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * self.weight


class GatedBlock(nn.Module):
    """Pre-norm with RMSNorm and a SwiGLU feed-forward."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = RMSNorm(6)
        self.up = nn.Linear(6, 10, bias=False)
        self.gate = nn.Linear(6, 10, bias=False)
        self.down = nn.Linear(10, 6, bias=False)

    def forward(self, x: Tensor) -> Any:
        h = self.norm(x)
        return x + self.down(functional.silu(self.gate(h)) * self.up(h))


class FunctionalNet(nn.Module):
    """No module but parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(3, 6))
        self.w2 = nn.Parameter(torch.randn(6, 6))
        self.w3 = nn.Parameter(torch.randn(6, 1))
        self.bias = nn.Parameter(torch.zeros(6))

    def forward(self, x: Tensor) -> Any:
        x = functional.relu(x @ self.w1 + self.bias)
        return torch.sigmoid((x + functional.relu(x @ self.w2)) @ self.w3)


class Recurrent(nn.Module):
    """An LSTM."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(3, 4, batch_first=True)
        self.head = nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.lstm(x)[0][:, -1])


class HandWrittenLSTM(nn.Module):
    """Gates by hand: products everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 16)
        self.outer = nn.Linear(4, 16)
        self.head = nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Any:
        h = c = torch.zeros(x.shape[0], 4)
        for step in x.unbind(1):
            i, f, g, o = (self.inner(step) + self.outer(h)).chunk(4, dim=-1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return self.head(h)


class SharedTwice(nn.Module):
    """One block at two places, and an output layer that is the embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(11, 6)
        self.block = MLPBlock()
        self.norm = nn.LayerNorm(6)
        self.head = nn.Linear(6, 11, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, ids: Tensor) -> Any:
        x = self.norm(self.block(self.tokens(ids)))
        return self.head(self.block(x))


class Branching(nn.Module):
    """The forward looks at the data."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(3, 6)
        self.block = MLPBlock()
        self.norm = nn.LayerNorm(6)
        self.head = nn.Linear(6, 1)

    def forward(self, x: Tensor) -> Any:
        x = self.stem(x)
        for _ in range(2 if float(x.detach().sum()) > 1e9 else 3):
            x = self.norm(x + torch.tanh(self.block.fc2(x @ self.block.fc1.weight.T)))
        return self.head(x)


class LossInside(nn.Module):
    """Returns a dictionary with the loss, as transformers' models do."""

    def __init__(self) -> None:
        super().__init__()
        self.net = ResidualMLP()

    def forward(self, x: Tensor, targets: Tensor) -> dict[str, Tensor]:
        out = self.net(x)
        return {"loss": functional.mse_loss(out, targets), "out": out}


class ReturnsTuple(nn.Module):
    """Returns more than one thing."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 6), nn.Sigmoid(), nn.Dropout(0.2), nn.Linear(6, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.net(x), x.sum()


class Wrapped(nn.Module):
    """A container around a model."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.module = net

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)


def half_bfloat16() -> nn.Module:
    """Parameters of two precisions."""
    return nn.Sequential(nn.Linear(3, 6), _Cast(), nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 1)).apply(_lower_middle)


class _Cast(nn.Module):
    def forward(self, x: Tensor) -> Any:
        return x.double()


def _lower_middle(module: nn.Module) -> None:
    if isinstance(module, nn.Linear) and module.in_features == 6:
        module.double()


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A model, a batch and a loss."""

    name: str
    build: Callable[[], nn.Module]
    batch: Any
    loss: Callable[[nn.Module, Any], Tensor] = squares

    def example(self) -> Example:
        """The batch, twice."""
        return Example(loss=self.loss, batches=(self.batch, self.batch))


def _inside(model: nn.Module, batch: Tensor) -> Tensor:
    loss: Tensor = model(batch, targets=batch.sum(1, keepdim=True))["loss"]
    return loss


def _under_autocast(model: nn.Module, batch: Tensor) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return squares(model, batch)


def _writing(model: nn.Module, batch: Tensor) -> Tensor:
    return squares(model, batch.mul_(1.1))


def _gradient_penalty(model: nn.Module, batch: Tensor) -> Tensor:
    point = batch.clone().requires_grad_()
    out: Tensor = model(point)
    (slope,) = torch.autograd.grad(out.sum(), point, create_graph=True)
    return (slope - out).square().mean()


ARCHITECTURES: Final = (
    Architecture(name="residual MLP", build=ResidualMLP, batch=3 * _draws(8, 3) + 1),
    Architecture(name="block on the input", build=FromTheInput, batch=_draws(8, 3)),
    Architecture(
        name="sequential",
        build=lambda: nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 1), nn.Tanh()),
        batch=_draws(8, 3),
    ),
    Architecture(name="ResNet", build=lambda: resnet(ConvBlock), batch=_draws(4, 3, 6, 6)),
    Architecture(name="pre-activated ResNet", build=lambda: resnet(PreactBlock), batch=5 + _draws(4, 3, 6, 6)),
    Architecture(name="post-norm encoder", build=TorchLM, batch=_ids(3, 5)),
    Architecture(name="pre-norm encoder", build=lambda: TorchLM(norm_first=True), batch=_ids(3, 5)),
    Architecture(name="decoder", build=TorchSeq2Seq, batch=_ids(3, 5)),
    Architecture(name="post-norm blocks", build=PostNormNet, batch=_ids(3, 5)),
    Architecture(name="post-norm blocks, bfloat16", build=PostNormNet, batch=_ids(3, 5), loss=_under_autocast),
    Architecture(name="pre-norm blocks", build=lambda: PostNormNet(PreNormTwin), batch=_ids(3, 5)),
    Architecture(
        name="gated blocks",
        build=lambda: nn.Sequential(nn.Linear(3, 6), GatedBlock(), GatedBlock(), RMSNorm(6), nn.Linear(6, 1)),
        batch=_draws(8, 4, 3),
    ),
    Architecture(name="functional", build=FunctionalNet, batch=_draws(8, 3)),
    Architecture(name="LSTM", build=Recurrent, batch=_draws(8, 4, 3)),
    Architecture(name="hand-written LSTM", build=HandWrittenLSTM, batch=_draws(8, 4, 3)),
    Architecture(name="shared twice", build=SharedTwice, batch=_ids(3, 5)),
    Architecture(name="branching", build=Branching, batch=_draws(8, 3)),
    Architecture(name="loss inside", build=LossInside, batch=_draws(8, 3), loss=_inside),
    Architecture(name="tuple", build=ReturnsTuple, batch=_draws(8, 3)),
    Architecture(name="wrapped", build=lambda: Wrapped(ResidualMLP()), batch=_draws(8, 3)),
    Architecture(name="two precisions", build=half_bfloat16, batch=_draws(8, 3)),
    Architecture(name="gradient penalty", build=FromTheInput, batch=_draws(8, 3), loss=_gradient_penalty),
    Architecture(name="a loss that writes", build=ResidualMLP, batch=2 + _draws(8, 3), loss=_writing),
    Architecture(name="bfloat16", build=ResidualMLP, batch=_draws(8, 3), loss=_under_autocast),
)
"""Every edit must get along with every one of them."""
