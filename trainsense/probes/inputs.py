"""Does the loss depend on the inputs: the shuffle gap and the spread of the outputs (PROTOCOL 0)."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import Tensor, nn

from trainsense.batches import is_plain, map_tensors, tensors_of, with_rows
from trainsense.probes.loss import mean_loss

_LOG_PROBABILITY_ERROR: Final = 1e-3
"""Outputs whose exponentials sum to 1 within this are log-probabilities."""


@contextmanager
def _inputs_permuted(model: nn.Module) -> Iterator[list[int]]:
    """Permute the rows of all tensors that enter the model's outermost forward; yields the row counts seen."""
    seen: list[int] = []

    def permute(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:  # noqa: ARG001
        rows = next((tensor.size(0) for _, tensor in tensors_of([args, kwargs]) if tensor.dim() > 0), 0)
        if rows < 2:
            return args, kwargs
        seen.append(rows)
        shift = rows // 2 + 1 if rows > 2 else 1
        order = torch.randperm(rows, generator=torch.Generator().manual_seed(rows))
        moved = torch.empty_like(order)
        moved[order] = order.roll(shift)

        def shuffled(tensor: Tensor) -> Tensor:
            return with_rows(tensor, moved) if tensor.dim() > 0 and tensor.size(0) == rows else tensor

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
    """Return `L(inputs permuted within the batch) - L(batch)`, targets untouched.

    None if forward was not called, or does not run on permuted inputs (the rows of one of them say how to read another's).
    No row keeps its place. Where targets enter the model too, both move together and the gap is 0 for any model: the
    caller tells that case by the spread of the outputs.

    Args:
        model: the live model, in the mode in which to measure.
        loss: scalar mean loss of one batch.
        batches: at least one, on the model's device.
    """
    plain = mean_loss(loss, batches)
    with _inputs_permuted(model) as seen:
        try:
            permuted = mean_loss(loss, batches)
        except Exception:  # noqa: BLE001 - whatever the user's model does with them
            return None
    return permuted - plain if seen else None


def constant_gaps(
    model: nn.Module, loss: Callable[[Any], Tensor], batches: Sequence[Any]
) -> tuple[float | None, float | None]:
    """Return `L(the same output for every example) - L(batch)` for two constants: the lower gap, and that of the first.

    The two are the batch's mean output (for squared error that of a trained model is the mean target) and zero (for logits
    no class in particular). Either is a prediction that knows nothing of its input (PROTOCOL 0). Zero is left out where
    outputs are log-probabilities, of which it is none. Where the loss is computed inside forward, outputs are not what it is
    made of and the gaps are 0. None where forward was not called, or the loss takes no constant or is not finite.
    """
    plain = mean_loss(loss, batches)
    gaps: list[float | None] = []
    for constant in (_mean_of_rows, _zero_of_rows):
        with _outputs_replaced(model, constant) as replaced:
            try:
                flat = mean_loss(loss, batches)
            except Exception:  # noqa: BLE001 - a loss that takes no constant in place of what the model computes
                flat = math.nan
        gaps.append(flat - plain if replaced and math.isfinite(flat - plain) else None)
    return min((gap for gap in gaps if gap is not None), default=None), gaps[0]


def _mean_of_rows(output: Tensor) -> Tensor | None:
    return output.mean(dim=0, keepdim=True).expand_as(output).contiguous()  # the loss may call `view`


def _zero_of_rows(output: Tensor) -> Tensor | None:
    dimension = 1 if output.dim() > 1 else 0
    normalised = torch.logsumexp(output.float(), dim=dimension).abs().amax() < _LOG_PROBABILITY_ERROR
    last = torch.logsumexp(output.float(), dim=-1).abs().amax() < _LOG_PROBABILITY_ERROR
    return None if bool(normalised) or bool(last) else torch.zeros_like(output)


@contextmanager
def _outputs_replaced(model: nn.Module, constant: Callable[[Tensor], Tensor | None]) -> Iterator[list[int]]:
    """Replace the floating-point tensors that the outermost forward returns; yields the row counts replaced."""
    replaced: list[int] = []

    def replace(tensor: Tensor) -> Tensor:
        if not is_plain(tensor) or not tensor.is_floating_point() or tensor.dim() == 0 or tensor.shape[0] < 2:
            return tensor
        value = constant(tensor)
        if value is None:
            return tensor
        replaced.append(tensor.shape[0])
        return value.detach() + 0.0 * tensor if tensor.requires_grad else value  # losses that differentiate outputs

    def hook(module: nn.Module, args: Any, output: Any) -> Any:  # noqa: ARG001
        return map_tensors(output, replace, lambda item: item)

    handle = model.register_forward_hook(hook)
    try:
        yield replaced
    finally:
        handle.remove()


def output_spread(model: nn.Module, loss: Callable[[Any], Tensor], batches: Sequence[Any]) -> float | None:
    """Return the standard deviation of the outputs across examples over their root mean square; None without any.

    Looks at the largest floating-point tensor that the outermost forward returns with at least two rows.
    """
    spreads: list[float] = []

    def look(module: nn.Module, args: Any, output: Any) -> None:  # noqa: ARG001
        tensors = [value for _, value in tensors_of(output) if value.is_floating_point() and is_plain(value)]
        tensors = [value for value in tensors if value.dim() > 0 and value.shape[0] > 1]
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
