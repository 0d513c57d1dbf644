"""Does the loss depend on the inputs: the shuffle gap and the spread of the outputs (PROTOCOL 0)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from trainsense.batches import map_tensors, tensors_of
from trainsense.probes.loss import mean_loss


@contextmanager
def _inputs_permuted(model: nn.Module) -> Iterator[list[int]]:
    """Permute the rows of all tensors that enter the model's outermost forward; yields the row counts seen."""
    seen: list[int] = []

    def permute(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:  # noqa: ARG001
        rows = next((tensor.shape[0] for _, tensor in tensors_of([args, kwargs]) if tensor.dim() > 0), 0)
        if rows < 2:
            return args, kwargs
        seen.append(rows)
        shift = rows // 2 + 1 if rows > 2 else 1
        order = torch.randperm(rows, generator=torch.Generator().manual_seed(rows))
        moved = torch.empty_like(order)
        moved[order] = order.roll(shift)

        def shuffled(tensor: Tensor) -> Tensor:
            return tensor[moved.to(tensor.device)] if tensor.dim() > 0 and tensor.shape[0] == rows else tensor

        return (
            tuple(map_tensors(arg, shuffled, lambda item: item) for arg in args),
            {key: map_tensors(arg, shuffled, lambda item: item) for key, arg in kwargs.items()},
        )

    handle = model.register_forward_pre_hook(permute, with_kwargs=True)
    try:
        yield seen
    finally:
        handle.remove()


def shuffle_gap(model: nn.Module, loss: Callable[[Any], Tensor], batches: Sequence[Any]) -> float | None:
    """Return `L(inputs permuted within the batch) - L(batch)`, targets untouched; None if forward was not called.

    No row keeps its place. Where targets enter the model too, both move together and the gap is 0 for any model: the
    caller tells that case by the spread of the outputs.

    Args:
        model: the live model, in the mode in which to measure.
        loss: scalar mean loss of one batch.
        batches: at least one, on the model's device.
    """
    plain = mean_loss(loss, batches)
    with _inputs_permuted(model) as seen:
        permuted = mean_loss(loss, batches)
    return permuted - plain if seen else None


def constant_gap(model: nn.Module, loss: Callable[[Any], Tensor], batches: Sequence[Any]) -> float | None:
    """Return `L(every output replaced by the mean output of the batch) - L(batch)`; None if forward was not called.

    For squared error the mean output of a trained model is the mean target, and for cross-entropy its mean logits are
    those of no class in particular: what is left is the loss of a constant prediction (PROTOCOL 0). Where the loss is
    computed inside forward, outputs are not what it is made of and the gap is 0.
    """
    plain = mean_loss(loss, batches)
    replaced: list[int] = []

    def flatten(module: nn.Module, args: Any, output: Any) -> Any:  # noqa: ARG001
        def mean_of_rows(tensor: Tensor) -> Tensor:
            if not tensor.is_floating_point() or tensor.dim() == 0 or tensor.shape[0] < 2:
                return tensor
            replaced.append(tensor.shape[0])
            return tensor.mean(dim=0, keepdim=True).expand_as(tensor)

        return map_tensors(output, mean_of_rows, lambda item: item)

    handle = model.register_forward_hook(flatten)
    try:
        constant = mean_loss(loss, batches)
    finally:
        handle.remove()
    return constant - plain if replaced else None


def output_spread(model: nn.Module, loss: Callable[[Any], Tensor], batches: Sequence[Any]) -> float | None:
    """Return the standard deviation of the outputs across examples over their root mean square; None without any.

    Looks at the largest floating-point tensor that the outermost forward returns with at least two rows.
    """
    spreads: list[float] = []

    def look(module: nn.Module, args: Any, output: Any) -> None:  # noqa: ARG001
        tensors = [value for _, value in tensors_of(output) if value.is_floating_point() and value.dim() > 0]
        tensors = [value for value in tensors if value.shape[0] > 1]
        if tensors:
            value = max(tensors, key=torch.numel).detach().double()
            scale = value.square().mean().sqrt()
            spread = value.std(dim=0, unbiased=False).square().mean().sqrt()
            spreads.append(float(spread / scale) if float(scale) > 0 else 0.0)

    handle = model.register_forward_hook(look)
    try:
        mean_loss(loss, batches)
    finally:
        handle.remove()
    return sum(spreads) / len(spreads) if spreads else None
