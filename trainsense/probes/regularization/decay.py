"""`DecayWatch`: the pull of weight decay at every step of a training, beside the gradient and the update."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainsense.probes.parameters import parameter_groups

MOST_SAMPLED: Final = 8_192
"""Entries of a parameter that are looked at, evenly spread: norms of so many are known to about 1 %."""


@dataclass(kw_only=True)
class DecaySums:
    """What was summed up, one entry a step; norms are over the entries that the data gives a gradient at that step.

    Attributes:
        gradient_pull: norm of `weight_decay * w`.
        gradient: norm of the data's gradient, as clipped.
        step_pull: norm of `lr * weight_decay * w`.
        step: norm of the update without that.
        norms: norm of all entries that are decayed, before each step and after the last.
        size: number of scalars that are decayed.
        trainable: number of trainable scalars.
        coefficient: the largest weight decay.
        value: `weight_decay * |w|^2 / 2` before the first step.
    """

    gradient_pull: list[float] = field(default_factory=list)
    gradient: list[float] = field(default_factory=list)
    step_pull: list[float] = field(default_factory=list)
    step: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    size: int = 0
    trainable: int = 0
    coefficient: float = 0.0
    value: float = 0.0


def stride_of(parameter: Tensor) -> int:
    """Return the odd stride at which about `MOST_SAMPLED` entries of a parameter are looked at; 1 for a smaller one."""
    return -(-parameter.numel() // MOST_SAMPLED) | 1


def sampled(values: Tensor, stride: int) -> Tensor:
    """Return a copy of every `stride`-th entry, in double precision."""
    return values.detach().reshape(-1)[::stride].to(torch.float64, copy=True)


@dataclass(frozen=True, kw_only=True)
class _Decayed:
    parameter: Tensor
    lr: float
    weight_decay: float

    @property
    def stride(self) -> int:
        return stride_of(self.parameter)

    def sample(self, values: Tensor) -> Tensor:
        return sampled(values, self.stride)


class DecayWatch:
    """Looks on at every step of a training; use `after_backward` and `after_update` in turn.

    Args:
        clip_norm: threshold of the global gradient norm that the training clips at, None without.
    """

    def __init__(self, clip_norm: float | None) -> None:
        self.sums = DecaySums()
        self._clip_norm = clip_norm
        self._kept: list[tuple[_Decayed, Tensor, Tensor | None]] = []

    @torch.no_grad()
    def after_backward(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:
        """See gradients and weights before the update."""
        decayed = list(_decayed(optimizer))
        factor = self._clipped(model) if decayed else 1.0
        self._kept = []
        squares, value = 0.0, 0.0
        for one in decayed:
            weights = one.sample(one.parameter)
            gradient = one.parameter.grad
            usable = gradient is not None and not gradient.is_sparse
            self._kept.append(
                (one, weights, factor * one.sample(gradient) if usable and gradient is not None else None)
            )
            square = one.stride * float(weights.square().sum())
            squares += square
            value += one.weight_decay * square / 2
        self.sums.norms.append(math.sqrt(squares))
        if step == 0:
            self.sums.size = sum(one.parameter.numel() for one in decayed)
            self.sums.trainable = sum(one.numel() for one in model.parameters() if one.requires_grad)
            self.sums.coefficient = max((one.weight_decay for one in decayed), default=0.0)
            self.sums.value = value

    @torch.no_grad()
    def after_update(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:  # noqa: ARG002
        """See the weights after it."""
        totals = [0.0] * 4
        for one, weights, gradient in self._kept:
            if gradient is None:
                continue
            asked = gradient != 0
            pull = one.weight_decay * weights[asked]
            update = one.sample(one.parameter)[asked] - weights[asked]
            parts = (pull, gradient[asked], one.lr * pull, update + one.lr * pull)
            for index, part in enumerate(parts):
                totals[index] += one.stride * float(part.square().sum())
        if self._kept:
            lists = (self.sums.gradient_pull, self.sums.gradient, self.sums.step_pull, self.sums.step)
            for values, total in zip(lists, totals, strict=True):
                values.append(math.sqrt(total))

    def end_norm(self) -> float:
        """Return the norm of the decayed weights as they are now."""
        return math.sqrt(sum(one.stride * float(one.sample(one.parameter).square().sum()) for one, _, _ in self._kept))

    def _clipped(self, model: nn.Module) -> float:
        if self._clip_norm is None:
            return 1.0
        gradients = [one.grad for one in model.parameters() if one.grad is not None]
        norm = float(nn.utils.get_total_norm([one.coalesce().values() if one.is_sparse else one for one in gradients]))
        return min(1.0, self._clip_norm / norm) if norm > 0 else 1.0


def _decayed(optimizer: Optimizer) -> Iterator[_Decayed]:
    seen: set[int] = set()
    for group in parameter_groups(optimizer):
        weight_decay = float(group.get("weight_decay") or 0.0)
        for parameter in group["params"] if weight_decay else ():
            if id(parameter) not in seen and parameter.requires_grad:
                seen.add(id(parameter))
                yield _Decayed(parameter=parameter, lr=float(group["lr"]), weight_decay=weight_decay)
