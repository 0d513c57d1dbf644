"""Norms over parameters of which every rank holds a part, or a copy."""

import math
from collections.abc import Sequence
from typing import Any, Final, cast

import torch
from torch import Tensor, nn

from trainsense.ranks.ranks import Ranks


def is_sharded(tensor: Tensor) -> bool:
    """Return whether a tensor is a DTensor: one that knows how it is laid out over the ranks."""
    return hasattr(tensor, "to_local")


def own_part(tensor: Tensor) -> Tensor:
    """Return the part of a tensor that this rank holds: a view of its memory; a plain tensor as it is."""
    return cast("Tensor", cast("Any", tensor).to_local()) if is_sharded(tensor) else tensor


def copies(tensor: Tensor, count: int) -> float:
    """Return how many of `count` ranks hold the same numbers as this one.

    All of them those of a plain tensor: its gradients are averaged, by DistributedDataParallel say. (Of plain tensors that are
    sharded by hand nobody can know.)
    """
    if not is_sharded(tensor):
        return count
    mesh, placements = cast("Any", tensor).device_mesh, cast("Any", tensor).placements
    parts: int = math.prod(mesh.size(axis) for axis, one in enumerate(placements) if not one.is_replicate())
    return count / parts


class SharedNorms:
    """Global L2 norms of a model's parameters and gradients, the same on all ranks.

    Args:
        ranks: who shares them.
        parameters: those that are trained.
    """

    def __init__(self, ranks: Ranks, parameters: Sequence[nn.Parameter]) -> None:
        self._ranks, self._parameters = ranks, parameters
        self._copies: Final = [copies(parameter, ranks.count) for parameter in parameters]

    @torch.no_grad()
    def gradient_norm(self) -> Tensor:
        """Return the norm of the gradients, shape `()`, on their device."""
        gradients = [_summed_up(one.grad) for one in self._parameters if one.grad is not None]
        parts = [(_dense(own_part(one)), copies(one, self._ranks.count)) for one in gradients]
        total = self._ranks.exchange(_square(parts))[0] if self._ranks.count > 1 else _square(parts)
        return torch.tensor(math.sqrt(total), dtype=torch.float32, device=parts[0][0].device if parts else "cpu")

    @torch.no_grad()
    def update_norms(self, before: list[Tensor], after: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Return the norm of the parameters before an update, and that of the update, one tensor of shape `()` each.

        Args:
            before: what this rank held of each parameter; overwritten by minus its change.
            after: what it holds now.
        """
        weights = _square(list(zip(before, self._copies, strict=True)))
        torch._foreach_sub_(before, after)
        updates = _square(list(zip(before, self._copies, strict=True)))
        sums = self._ranks.exchange(weights, updates) if self._ranks.count > 1 else (weights, updates)
        weight_norm, update_norm = (torch.tensor(math.sqrt(one), dtype=torch.float64) for one in sums)
        return [weight_norm], [update_norm]


def shared_norms(ranks: Ranks, parameters: Sequence[nn.Parameter]) -> SharedNorms | None:
    """Return the norms over all ranks, None where this process holds all there is, in plain tensors."""
    together = ranks.count > 1 or any(is_sharded(parameter) for parameter in parameters)
    return SharedNorms(ranks, parameters) if together else None


def _summed_up(gradient: Tensor) -> Tensor:
    """Return a gradient of which every rank holds a summand, as the sum; any other as it is."""
    placements = cast("Any", gradient).placements if is_sharded(gradient) else ()
    return cast("Any", gradient).full_tensor() if any(one.is_partial() for one in placements) else gradient


def _dense(part: Tensor) -> Tensor:
    return part.coalesce().values() if part.is_sparse else part


def _square(parts: Sequence[tuple[Tensor, float]]) -> float:
    """Return the sum of the squares, each shared among those that hold a copy; in double precision."""
    if not parts:
        return 0.0
    norms = torch._foreach_norm([part for part, _ in parts])  # noqa: SLF001
    values = torch.stack([norm.to(norms[0].device, torch.float64) for norm in norms]).tolist()
    return math.fsum(value * value / held for value, (_, held) in zip(values, parts, strict=True))
