"""Dropout whose masks are those of a single model."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode


class SameMasks(TorchFunctionMode):
    """Draws the masks of `dropout` in the order in which a single model draws them.

    Outside of vmap a mask is filled in the order in which its input lies in memory; inside of it, in the order of the input's
    dimensions. They differ for a transposed input: that of `nn.TransformerEncoderLayer` with `batch_first`, say.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Replace dropout, leave everything else."""
        return (_dropout if func is functional.dropout else func)(*args, **(kwargs or {}))


def _dropout(value: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:  # noqa: FBT001, FBT002
    if not training or not 0 < p < 1:
        return functional.dropout(value, p, training, inplace)
    order = sorted(range(value.dim()), key=value.stride().__getitem__, reverse=True)
    fused = value.is_cuda and not inplace  # a kernel of its own, which draws in another way
    if order == list(range(value.dim())) and not fused:
        return functional.dropout(value, p, training, inplace)
    mask = torch.ones([value.shape[one] for one in order], dtype=value.dtype, device=value.device)
    mask = torch.native_dropout(mask, p, True)[0] if fused else mask.bernoulli_(1 - p).div_(1 - p)
    mask = mask.permute([order.index(one) for one in range(value.dim())])
    return value.mul_(mask) if inplace else value * mask
