"""Which tensors an optimizer updates."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import Tensor
from torch.optim import Optimizer


def held_tensors(optimizer: Optimizer) -> dict[int, Tensor]:
    """Return the tensors that an optimizer lists, by their id; those of optimizers that it keeps inside count as well.

    >>> import torch
    >>> weight = torch.zeros(2, requires_grad=True)
    >>> list(held_tensors(torch.optim.SGD([weight], lr=0.1)).values())
    [tensor([0., 0.], requires_grad=True)]
    """
    return {id(tensor): tensor for group in parameter_groups(optimizer) for tensor in group["params"]}


def parameter_groups(optimizer: Optimizer) -> Iterator[dict[str, Any]]:
    """Yield the parameter groups of an optimizer and of those that it keeps inside."""
    seen: set[int] = set()
    stack: list[Optimizer] = [optimizer]
    while stack:
        one = stack.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield from one.param_groups
            stack.extend(_inside(vars(one).values()))


def _inside(values: Iterable[Any]) -> Iterator[Optimizer]:
    for value in values:
        if isinstance(value, Optimizer):
            yield value
        elif isinstance(value, Mapping):
            yield from (one for one in value.values() if isinstance(one, Optimizer))
        elif isinstance(value, (list, tuple)):
            yield from (one for one in value if isinstance(one, Optimizer))
