"""A loss that has another's value and its own gradient."""

from typing import Any

import torch
from torch import Tensor


class _WithValue(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, own: Tensor, value: float) -> Tensor:  # noqa: ARG004
        return torch.full_like(own, value)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:  # noqa: ARG004
        return gradients[0], None


def with_value(own: Tensor, value: float) -> Tensor:
    """Return a tensor of `value` whose gradient is that of `own`.

    >>> weight = torch.tensor(3.0, requires_grad=True)
    >>> loss = with_value(2 * weight, 5.0)
    >>> loss.backward()
    >>> loss.item(), weight.grad.item()
    (5.0, 2.0)

    Args:
        own: a scalar.
        value: what it shows instead of its own.
    """
    tensor: Tensor = _WithValue.apply(own, value)  # type: ignore[no-untyped-call]
    return tensor
