"""The outermost calls of a model within a loss: what enters them and what they return, with inputs exchanged if wanted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from trainsense.batches import is_plain, map_tensors, tensors_of
from trainsense.probes.modes import evaluation_mode

Exchange = Callable[[str, Tensor], Tensor]
"""Gives another tensor for one that enters, which is told by its path."""


@dataclass(frozen=True, kw_only=True)
class OutermostCall:
    """One call of the model itself.

    Attributes:
        inputs: `(path, tensor)` of every tensor that entered, before any exchange.
        outputs: every floating-point tensor with at least one axis that came back, sparse and nested ones left out.
    """

    inputs: tuple[tuple[str, Tensor], ...]
    outputs: tuple[Tensor, ...]


@dataclass(kw_only=True)
class _Watch:
    """What is seen while the model is called."""

    exchange: Exchange | None
    depth: int = 0
    entered: list[tuple[tuple[str, Tensor], ...]] = field(default_factory=list)
    calls: list[OutermostCall] = field(default_factory=list)

    def enter(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.depth += 1
        if self.depth > 1:
            return None
        self.entered.append(tuple(tensors_of([args, kwargs], "")))
        return None if self.exchange is None else _exchanged(self.exchange, args, kwargs)

    def leave(self, _: nn.Module, __: Any, output: Any) -> None:
        self.depth -= 1
        if self.depth > 0:
            return
        tensors = [tensor.detach() for _, tensor in tensors_of(output)]
        kept = tuple(one for one in tensors if is_plain(one) and one.is_floating_point() and one.dim() > 0)
        self.calls.append(OutermostCall(inputs=self.entered[-1], outputs=kept))


def _exchanged(exchange: Exchange, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    paths = iter([path for path, _ in tensors_of([args, kwargs], "")])
    replaced = map_tensors([args, kwargs], lambda tensor: exchange(next(paths), tensor), lambda item: item)
    return tuple(replaced[0]), replaced[1]


@contextmanager
def _watched(model: nn.Module, watch: _Watch) -> Iterator[None]:
    def enter(*given: Any) -> Any:  # functions: a copy of the model that the loss makes keeps to this watch
        return watch.enter(*given)

    def leave(*given: Any) -> None:
        watch.leave(*given)

    handles = [model.register_forward_pre_hook(enter, with_kwargs=True), model.register_forward_hook(leave)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def outermost_calls(
    model: nn.Module, loss: Callable[[nn.Module], Tensor], exchange: Exchange | None = None, *, gradient: bool = False
) -> tuple[OutermostCall, ...]:
    """Return the calls of the model itself that its loss makes, in evaluation mode and from the same random state each time.

    Args:
        model: the model; its buffers change if it writes into them in evaluation mode.
        loss: computes the loss.
        exchange: what enters instead; None for the inputs as they are.
        gradient: whether the loss itself differentiates.
    """
    watch = _Watch(exchange=exchange)
    with evaluation_mode(model, gradient=gradient), _watched(model, watch):
        loss(model)
    return tuple(watch.calls)


def output_change(one: tuple[OutermostCall, ...], other: tuple[OutermostCall, ...]) -> float | None:
    """Return the largest change of an output over the outputs' largest size; None where they cannot be compared."""
    pairs = [
        pair
        for first, second in zip(one, other, strict=False)
        for pair in zip(first.outputs, second.outputs, strict=False)
    ]
    if len(one) != len(other) or any(first.shape != second.shape for first, second in pairs):
        return None
    changes = [_change(first, second) for first, second in pairs if first.numel() > 0]
    return max(changes, default=None)


def _change(first: Tensor, second: Tensor) -> float:
    scale = float(first.abs().max())
    change = float((first.double() - second.double()).abs().max())
    return change / scale if scale > 0 else float(change > 0)


def rows_differ(calls: tuple[OutermostCall, ...]) -> bool:
    """Return whether any tensor that enters has rows that differ, as those of a sparse or nested one are taken to do."""
    tensors = [tensor for call in calls for _, tensor in call.inputs if tensor.dim() > 0 and tensor.size(0) > 1]
    return any(not is_plain(one) or not bool(torch.equal(one, one[:1].expand_as(one))) for one in tensors)


def distinct_rows(calls: tuple[OutermostCall, ...], rows: int) -> int:
    """Return how many different rows enter with the first call; `rows` if it is given none of that many."""
    tensors = [tensor for _, tensor in calls[0].inputs if is_plain(tensor)] if calls else []
    tensors = [tensor for tensor in tensors if tensor.dim() > 0 and tensor.shape[0] == rows]
    strided = [tensor.detach().reshape(rows, -1).double() for tensor in tensors]
    return int(torch.unique(torch.cat(strided, dim=1), dim=0).shape[0]) if strided else rows
