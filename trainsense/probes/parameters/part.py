"""Which parameters without a gradient take part in computing the loss all the same."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Final

import torch
from torch import Tensor, nn

from trainsense.probes.structure import copied

Draw = Callable[[nn.Module], Tensor]
"""The loss of a model on one batch under one fixed random draw: the same at every call but for the parameters."""
MOST_GROUPS: Final = 24
"""Modules are put together into at most so many groups, each of which costs a forward pass per draw."""
_SMALLEST_CHANGE: Final = 1e-6
"""Relative to the loss: what takes no part changes not one bit of it."""
_STEPS: Final = (1e-2, 5e-3)
"""Of central differences, relative to the parameter: small against what wakes up a dead unit."""
_SMALLEST_DIFFERENCE: Final = 1e-4
"""Relative to the loss: a difference above the rounding of single precision, by three decades."""
_UNSET_SCALE: Final = 0.1
"""Size of the change of a parameter that is all zero."""


def taking_part(
    model: nn.Module, draws: Sequence[Draw], names: Sequence[str], *, smoothly: bool = False
) -> frozenset[str]:
    """Return those of the parameters that the loss depends on although no gradient reaches them; the model is left alone.

    They are changed by about their own size, a module at a time, on a copy. Where a draw does give a parameter a gradient,
    that draw says nothing about it.

    Args:
        model: in the mode in which it trains.
        draws: at least one loss.
        names: first names of the parameters to try.
        smoothly: count only what changes the loss in proportion to a small change, as a derivative other than zero
            would: for parameters whose gradient is exactly zero, which is right where the loss is flat (a dead unit, a
            branch behind a zero).
    """
    changes = _changes_smoothly if smoothly else _changes
    found: set[str] = set()
    for draw in draws:
        trial = _Trial(copied(model), draw)
        left = [name for name in trial.without_gradient(names) if name not in found]
        if left and (smoothly or changes(trial, left)):
            found.update(name for group in _groups(left) if changes(trial, group) for name in group)
    return frozenset(found)


class _Trial:
    """A copy of the model to change, and its loss."""

    def __init__(self, model: nn.Module, draw: Draw) -> None:
        self.model, self.draw = model, draw
        self.parameters = dict(model.named_parameters())
        self.buffers = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
        self.plain = self.loss()
        self.noise = abs(self.loss() - self.plain)

    def loss(self) -> float:
        """Return the loss, with the buffers as they were at first."""
        with torch.no_grad():
            for buffer, value in self.buffers:
                buffer.copy_(value)
        with torch.enable_grad():
            return float(self.draw(self.model).detach())

    def without_gradient(self, names: Sequence[str]) -> list[str]:
        """Return those parameters that this draw gives no gradient, or one of exactly zero."""
        tried = [name for name in names if name in self.parameters]
        with torch.enable_grad():
            loss = self.draw(self.model)
            inputs = [self.parameters[name] for name in tried]
            gradients = torch.autograd.grad(loss, inputs, allow_unused=True) if tried and loss.requires_grad else ()
        return [
            name for name, one in zip(tried, gradients, strict=True) if one is None or not bool(one.to_dense().any())
        ]

    @contextmanager
    def moved(self, names: Sequence[str], scale: float) -> Iterator[None]:
        """Move parameters in a fixed direction by `scale` times their size."""
        generator = torch.Generator().manual_seed(0)
        before = [self.parameters[name].detach().clone() for name in names]
        with torch.no_grad():
            for name, value in zip(names, before, strict=True):
                size = float(value.float().square().mean().sqrt()) or _UNSET_SCALE
                direction = torch.randn(value.shape, generator=generator).to(value)
                self.parameters[name].add_(scale * size * direction)
        try:
            yield
        finally:
            with torch.no_grad():
                for name, value in zip(names, before, strict=True):
                    self.parameters[name].copy_(value)

    def loss_at(self, names: Sequence[str], scale: float) -> float:
        """Return the loss with parameters moved."""
        with self.moved(names, scale):
            return self.loss()


def _changes(trial: _Trial, names: Sequence[str]) -> bool:
    change = abs(trial.loss_at(names, 1.0) - trial.plain)
    return not change <= _SMALLEST_CHANGE * abs(trial.plain) + 10 * trial.noise


def _changes_smoothly(trial: _Trial, names: Sequence[str]) -> bool:
    one, half = (trial.loss_at(names, step) - trial.loss_at(names, -step) for step in _STEPS)
    if not math.isfinite(one) or abs(one) <= _SMALLEST_DIFFERENCE * abs(trial.plain) + 10 * trial.noise:
        return False
    return half != 0 and 1.6 < one / half < 2.5


def _groups(names: Sequence[str]) -> list[list[str]]:
    """Return the names by module, neighbouring modules together where there are too many."""
    modules: dict[str, list[str]] = {}
    for name in names:
        modules.setdefault(name.rpartition(".")[0], []).append(name)
    together = -(-len(modules) // MOST_GROUPS)
    own = list(modules.values())
    return [list(chain.from_iterable(own[start : start + together])) for start in range(0, len(own), together)]
