"""Does the gradient point the way the loss rises: the slope along it, by two evaluations, against what it says of itself."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import torch
from torch import Tensor, nn

from trainsense.probes.structure import LiveLoss

_STEPS: Final = (3e-3, 1e-3)
"""Lengths of a step as shares of a parameter's norm: large against rounding, small against curvature."""
EVALUATIONS: Final = 2 * len(_STEPS)
"""Evaluations of the loss that the slope along one parameter's gradient takes."""
_MOST_PARAMETERS: Final = 24
"""Parameters that are looked at one by one."""
_RIGHT: Final = 0.9
"""A slope along all gradients together, over what they say, from which none is looked at alone."""
_ERRORS: Final = (
    "NllLoss",
    "MseLoss",
    "SmoothL1Loss",
    "HuberLoss",
    "BinaryCrossEntropy",
    "BinaryCrossEntropyWithLogits",
)
"""Losses that are never negative by themselves and are made to be lowered."""


def parameter_slopes(model: nn.Module, loss: Callable[[nn.Module], Tensor], most: int) -> Mapping[str, float]:
    """Return the slope of the loss along each parameter's gradient, 1 for a right one; empty if they are right together.

    The slope along one parameter's gradient g is `(L(w + h g) - L(w - h g)) / (2 h |g|^2)`, at two steps h that must agree.

    Args:
        model: a model of one's own, put back afterwards.
        loss: computes the loss from the same random state, without dropout.
        most: parameters that are looked at one by one at most; each takes `EVALUATIONS` of the loss.
    """
    named = {name: one for name, one in model.named_parameters() if one.requires_grad}
    with torch.enable_grad():
        found = torch.autograd.grad(loss(model), list(named.values()), allow_unused=True)
    gradients = {
        name: one for name, one in zip(named, found, strict=True) if one is not None and float(one.norm()) > 0.0
    }
    steps = {name: one / one.norm() * max(float(named[name].detach().norm()), 1e-2) for name, one in gradients.items()}
    together = _slope(model, loss, named, gradients, steps)
    if together is None or together > _RIGHT:
        return {}
    most = min(_MOST_PARAMETERS, most)
    if most == 0:
        return {}
    slopes: dict[str, float] = {}
    for name in list(gradients)[:: math.ceil(len(gradients) / most)]:
        slope = _slope(model, loss, named, gradients, {name: steps[name]})
        if slope is not None:
            slopes[name] = slope
    return slopes


def _slope(
    model: nn.Module,
    loss: Callable[[nn.Module], Tensor],
    named: Mapping[str, nn.Parameter],
    gradients: Mapping[str, Tensor],
    steps: Mapping[str, Tensor],
) -> float | None:
    """Return the slope along `steps` over what the gradients say of it; None where it depends on the step's length."""
    said = sum(float((gradients[name] * step).sum(dtype=torch.float64)) for name, step in steps.items())
    slopes = []
    for size in _STEPS:
        values = []
        for sign in (1.0, -1.0):
            with _moved(named, steps, sign * size):
                values.append(float(loss(model).detach()))
        slopes.append((values[0] - values[1]) / (2 * size * said))
    agree = abs(slopes[0] - slopes[1]) < 0.1 * max(abs(slopes[0]), abs(slopes[1]), 0.1)
    return slopes[-1] if agree else None


@contextmanager
def _moved(named: Mapping[str, nn.Parameter], steps: Mapping[str, Tensor], size: float) -> Iterator[None]:
    before = {name: named[name].detach().clone() for name in steps}
    try:
        with torch.no_grad():
            for name, step in steps.items():
                named[name].add_(step, alpha=size)
        yield
    finally:
        with torch.no_grad():
            for name, values in before.items():
                named[name].copy_(values)


def maximised_errors(live: LiveLoss) -> tuple[int, ...]:
    """Return the errors that the loss rewards, if it rewards all of them; the loss is differentiated for it.

    An error is a squared error or a cross-entropy of torch's own. A loss that lowers one and raises another (an adversary, a
    contrast) is no such case.
    """
    errors = [
        index for index, op in enumerate(live.graph.ops) if op.kind.rstrip("2DNd") in _ERRORS or op.kind in _ERRORS
    ]
    signs: dict[int, float] = {}
    handles = []
    for index in errors:

        def note(gradients: tuple[Tensor | None, ...], index: int = index) -> None:
            if gradients[0] is not None:
                signs[index] = float(gradients[0].sum())

        handles.append(live.nodes[index].register_prehook(note))
    try:
        live.loss.backward()  # type: ignore[no-untyped-call]
    finally:
        for handle in handles:
            handle.remove()
    return tuple(errors) if errors and all(signs.get(index, 0.0) < 0 for index in errors) else ()
