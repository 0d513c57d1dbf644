"""Does one example's output depend on the others of its batch: single examples are exchanged, the rest is looked at."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from trainsense.batches import is_plain, with_rows
from trainsense.probes.outermost import Exchange, OutermostCall, outermost_calls

EXCHANGED: Final = 4
"""Examples that are exchanged, one after the other: the first, the last and some between."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """What exchanging single examples along one axis did.

    Attributes:
        exchanged: number of exchanges.
        others: largest root mean square change of another example's output, the root mean square over exchanges.
        own: root mean square change of the exchanged example's own output.
        relative: largest change in the others' outputs over the outputs' root mean square.
        later_only: whether only examples after the exchanged one changed.
    """

    exchanged: int
    others: float
    own: float
    relative: float
    later_only: bool


def spread_along(
    model: nn.Module,
    loss: Callable[[nn.Module], Tensor],
    calls: tuple[OutermostCall, ...],
    axes: tuple[int, int],
    examples: int,
    *,
    gradient: bool = False,
) -> Spread | None:
    """Exchange single examples and see whose outputs change; None where no output has the axis.

    Args:
        model: the model.
        loss: computes the loss on one batch.
        calls: its outermost calls on that batch.
        axes: the axis of the inputs along which examples are exchanged, and that of the outputs along which they lie.
        examples: their number.
        gradient: whether the loss itself differentiates.
    """
    changes: list[tuple[int, Tensor]] = []
    scale = _scale(calls, axes[1], examples)
    if scale is None:
        return None
    for one in sorted({round(part * (examples - 1) / (EXCHANGED - 1)) for part in range(EXCHANGED)}):
        made = outermost_calls(model, loss, _exchanging(axes[0], examples, one), gradient=gradient)
        change = _changes(calls, made, axes[1], examples)
        if change is not None:
            changes.append((one, change))
    if not changes:
        return None
    own = torch.stack([change[one] for one, change in changes])
    others = torch.stack([_without(change, one) for one, change in changes])
    earlier = max((float(change[:one].max()) for one, change in changes if one > 0), default=0.0)
    return Spread(
        exchanged=len(changes),
        others=float(others.amax(dim=1).square().mean().sqrt()),
        own=float(own.square().mean().sqrt()),
        relative=float(others.max()) / scale if scale > 0 else float(others.max() > 0),
        later_only=earlier <= 0.0,
    )


def _exchanging(axis: int, examples: int, one: int) -> Exchange:
    """Return the exchange that gives example `one` the values of the one half a batch away."""

    def exchange(_: str, tensor: Tensor) -> Tensor:
        if tensor.dim() <= axis or tensor.size(axis) != examples or not (is_plain(tensor) or axis == 0):
            return tensor
        other = (one + max(1, examples // 2)) % examples
        if not is_plain(tensor):
            rows = torch.arange(examples)
            rows[one] = other
            return with_rows(tensor, rows)
        changed = tensor.clone()
        changed.select(axis, one).copy_(tensor.select(axis, other))
        return changed

    return exchange


def _per_example(calls: tuple[OutermostCall, ...], axis: int, examples: int) -> list[Tensor]:
    tensors = [tensor for call in calls for tensor in call.outputs]
    fitting = [tensor for tensor in tensors if tensor.dim() > axis and tensor.shape[axis] == examples]
    return [tensor.movedim(axis, 0).reshape(examples, -1).double() for tensor in fitting if tensor.numel() > 0]


def _scale(calls: tuple[OutermostCall, ...], axis: int, examples: int) -> float | None:
    found = _per_example(calls, axis, examples)
    return max((float(one.square().mean().sqrt()) for one in found), default=None)


def _changes(
    calls: tuple[OutermostCall, ...], made: tuple[OutermostCall, ...], axis: int, examples: int
) -> Tensor | None:
    """Return each example's root mean square change of output, shape (examples,)."""
    before, after = _per_example(calls, axis, examples), _per_example(made, axis, examples)
    if len(before) != len(after) or any(one.shape != two.shape for one, two in zip(before, after, strict=True)):
        return None
    squares = torch.cat([(one - two).square() for one, two in zip(before, after, strict=True)], dim=1)
    return squares.mean(dim=1).sqrt()


def _without(values: Tensor, one: int) -> Tensor:
    return torch.cat([values[:one], values[one + 1 :]])
