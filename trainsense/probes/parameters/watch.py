"""`ParameterWatch`: what gradient each parameter gets, and who changes it, while a model trains."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainsense.probes.parameters.held import held_tensors
from trainsense.records.evidence import GradientSeen

_ORDER: tuple[GradientSeen, ...] = ("none", "zero", "some")


@dataclass(kw_only=True)
class SeenParameter:
    """What was seen of one parameter.

    Attributes:
        name: its first name.
        size: number of scalars, 0 as long as a lazy one has no shape.
        trainable: whether it requires a gradient.
        held: whether the optimizer lists it, or an update changed it.
        gradient: the most gradient that it got at any step.
        moved: whether its values changed between two updates.
    """

    name: str
    size: int
    trainable: bool
    held: bool = False
    gradient: GradientSeen = "none"
    moved: bool = False


class ParameterWatch:
    """Looks on at every step of a training; use `after_backward` and `after_update` in turn."""

    def __init__(self) -> None:
        self.seen: dict[str, SeenParameter] = {}
        self.steps = 0
        self._unlisted: dict[str, tuple[Tensor, Tensor]] = {}
        self._idle: dict[str, tuple[Tensor, Tensor]] = {}

    @torch.no_grad()
    def after_backward(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:  # noqa: ARG002
        """See the gradients of a step.

        What the optimizer does not list and what has had no gradient yet is kept by value, to see who changes it.
        """
        held = held_tensors(optimizer)
        self.steps += 1
        self._unlisted = {}
        for name, parameter in model.named_parameters():
            seen = self.seen.setdefault(name, SeenParameter(name=name, size=0, trainable=parameter.requires_grad))
            seen.trainable = parameter.requires_grad
            seen.size = _size(parameter)
            if seen.gradient != "some":
                seen.gradient = max(seen.gradient, _gradient(parameter), key=_ORDER.index)
            listed = id(parameter) in held
            if seen.trainable and not listed and not seen.held and seen.gradient == "some":
                self._unlisted[name] = parameter, parameter.detach().clone()
            if name in self._idle and not _same(self._idle[name], parameter):
                seen.moved = True
            seen.held |= listed
        self._idle = {}

    @torch.no_grad()
    def after_update(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:  # noqa: ARG002
        """See the parameters after the update of a step."""
        for name, parameter in model.named_parameters():
            seen = self.seen.get(name)
            if seen is None:
                continue
            if name in self._unlisted and not _same(self._unlisted[name], parameter):
                seen.held = seen.held or self._unlisted[name][0] is parameter
            if seen.trainable and seen.size and seen.gradient != "some" and not seen.moved:
                self._idle[name] = parameter, parameter.detach().clone()
        self._unlisted = {}


def _gradient(parameter: Tensor) -> GradientSeen:
    gradient = parameter.grad
    if gradient is None:
        return "none"
    values = gradient.coalesce().values() if gradient.is_sparse else gradient
    return "some" if bool(values.any()) else "zero"


def _same(kept: tuple[Tensor, Tensor], parameter: Tensor) -> bool:
    return kept[1].shape == parameter.shape and bool(torch.equal(kept[1], parameter.detach()))


def _size(parameter: Tensor) -> int:
    return 0 if torch.nn.parameter.is_lazy(parameter) else parameter.numel()
