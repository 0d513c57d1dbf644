"""Sound: convolutional networks, plain, residual and U-shaped."""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from tests.labelled.case import sound
from tests.labelled.faulty_outputs import BLURRED, KINDS
from tests.labelled.ingredients import IMAGES, LABELS, accuracy, adam, cross_entropy, momentum, shuffled
from trainsense import Workload


def images(size: int) -> Callable[[], Any]:
    """Return a source of digits."""
    return shuffled(size, IMAGES, LABELS)


def _unit(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    conv = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def plain_convolutions_with_batch_norm() -> Workload:
    """As VGG: no residual, but normalised."""

    def model() -> nn.Module:
        body = (_unit(1, 8), _unit(8, 8), nn.MaxPool2d(2), _unit(8, 16), _unit(16, 16), nn.MaxPool2d(2))
        head = (nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 10))
        return nn.Sequential(*body, *head)

    return Workload(model=model, data=images(32), loss=cross_entropy, optimizer=momentum, lr=0.05)


class BasicBlock(nn.Module):
    """The block of ResNet, post-activation: ReLU(x + f(x))."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)
        same = inputs == outputs and stride == 1
        self.shortcut = None if same else nn.Conv2d(inputs, outputs, 1, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class ResNet(nn.Module):
    """A stem, four blocks, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _unit(1, 8)
        self.blocks = nn.Sequential(
            BasicBlock(8, 8, 1), BasicBlock(8, 8, 1), BasicBlock(8, 16, 2), BasicBlock(16, 16, 1)
        )
        self.head = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(x)).mean(dim=(2, 3)))


def residual_net_with_batch_norm() -> Workload:
    """As ResNet: the ReLU behind the sum is no normalisation."""
    return Workload(model=ResNet, data=images(16), loss=cross_entropy, optimizer=momentum, lr=0.02)


class DropPathBlock(nn.Module):
    """A pre-norm block that is skipped at random while training."""

    def __init__(self, width: int, dropped: float, scale: float | None) -> None:
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.dropped = dropped
        self.scale = None if scale is None else nn.Parameter(torch.full((width,), scale))

    def forward(self, x: Tensor) -> Tensor:
        y = self.down(functional.gelu(self.up(self.norm(x))))
        if self.scale is not None:
            y = self.scale * y
        if self.training and self.dropped:
            y = y * (torch.rand(len(x), 1) >= self.dropped) / (1 - self.dropped)
        return x + y


def _stacked(depth: int, dropped: float, scale: float | None) -> nn.Module:
    blocks = [DropPathBlock(32, dropped * index / depth, scale) for index in range(depth)]
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), *blocks, nn.LayerNorm(32), nn.Linear(32, 10))


def stochastic_depth() -> Workload:
    """Whole blocks drop out example by example."""
    return Workload(model=lambda: _stacked(6, 0.3, None), data=images(32), loss=cross_entropy, optimizer=adam, lr=2e-3)


def layer_scale_of_a_ten_thousandth() -> Workload:
    """Residual branches that start nearly closed: their gradients start tiny."""
    return Workload(model=lambda: _stacked(6, 0.0, 1e-4), data=images(32), loss=cross_entropy, optimizer=adam, lr=3e-3)


class ReZeroBlock(nn.Module):
    """x + a f(x), a starting at zero (Bachlechner et al., 2021)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer, self.amount = nn.Linear(width, width), nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.amount * functional.relu(self.layer(x))


def sixteen_blocks_that_start_at_zero() -> Workload:
    """No normalisation, none needed; the layers get no gradient at the first step."""

    def model() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), *[ReZeroBlock(32) for _ in range(16)], nn.Linear(32, 10))

    return Workload(model=model, data=images(32), loss=cross_entropy, optimizer=adam, lr=2e-3)


class UNet(nn.Module):
    """Down and up again, with a skip connection by concatenation."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2, self.mid = _unit(1, 8), _unit(8, 16), _unit(16, 16)
        self.up, self.join, self.out = nn.ConvTranspose2d(16, 8, 2, stride=2), _unit(16, 8), nn.Conv2d(8, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        wide = self.down1(x)
        deep = self.mid(self.down2(functional.max_pool2d(wide, 2)))
        return self.out(self.join(torch.cat([self.up(deep), wide], dim=1)))


def u_net() -> Workload:
    """Three kinds of pixels."""
    return Workload(model=UNet, data=shuffled(8, BLURRED, KINDS), loss=cross_entropy, optimizer=adam, lr=5e-3)


def batch_norm_over_four_images() -> Workload:
    """Four images, but 256 values in every channel."""

    def model() -> nn.Module:
        return nn.Sequential(_unit(1, 12), _unit(12, 12, 2), _unit(12, 16), nn.Flatten(), nn.Linear(256, 10))

    return Workload(model=model, data=images(4), loss=cross_entropy, optimizer=adam, lr=2e-3)


def group_norm_over_two_images() -> Workload:
    """A batch of two without anything that looks at the batch."""

    def model() -> nn.Module:
        layers = (nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.GroupNorm(4, 16), nn.ReLU())
        more = (nn.Conv2d(16, 16, 3, padding=1), nn.GroupNorm(4, 16), nn.ReLU())
        return nn.Sequential(*layers, *more, nn.Flatten(), nn.Linear(256, 10))

    return Workload(model=model, data=images(2), loss=cross_entropy, optimizer=adam, lr=2e-3, accumulate=2)


class Squeezed(nn.Module):
    """Channels gated by sigmoids of their means, the hidden layers recomputed in the backward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.gate = (
            nn.Conv2d(1, 16, 3, padding=1),
            nn.Sequential(nn.Linear(16, 4), nn.ReLU(), nn.Linear(4, 16)),
        )
        self.mix, self.head = nn.Conv2d(16, 16, 3, stride=2, padding=1), nn.Linear(256, 10)

    def excited(self, x: Tensor) -> Tensor:
        """Scale every channel by a gate of its own."""
        return functional.relu(self.mix(x * torch.sigmoid(self.gate(x.mean(dim=(2, 3))))[:, :, None, None]))

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.conv(x))
        x = checkpoint(self.excited, x, use_reentrant=False)
        return self.head(x.flatten(1))


def gates_under_checkpointing() -> Workload:
    """Squeeze-and-excitation, with activation checkpointing."""
    return Workload(model=Squeezed, data=images(32), loss=cross_entropy, optimizer=momentum, lr=0.05)


CASES: Final = (
    sound(plain_convolutions_with_batch_norm, "missing-residual", "example-leak", score=accuracy),
    sound(residual_net_with_batch_norm, "post-norm-residual", "dead-relu", score=accuracy),
    sound(stochastic_depth, "no-gradient", "cannot-overfit-batch", "not-deterministic", score=accuracy),
    sound(layer_scale_of_a_ten_thousandth, "vanishing-gradient", "bad-init-scale", score=accuracy),
    sound(
        sixteen_blocks_that_start_at_zero, "missing-normalization", "no-gradient", "vanishing-gradient", score=accuracy
    ),
    sound(u_net, "missing-residual", score=accuracy),
    sound(batch_norm_over_four_images, "small-batch-norm", "example-leak", score=accuracy),
    sound(group_norm_over_two_images, "small-batch-norm", "example-leak", score=accuracy),
    sound(gates_under_checkpointing, "saturated-activation", "inner-softmax", score=accuracy),
)
