"""Do the outputs depend on the inputs at all: by values, and by gradient where inputs are floating-point numbers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn

from trainsense.batches import is_plain, map_tensors, tensors_of, with_rows
from trainsense.probes.modes import evaluation_mode
from trainsense.probes.outermost import Exchange, OutermostCall, outermost_calls, output_change


def largest_output_change(
    model: nn.Module,
    loss: Callable[[nn.Module], Tensor],
    calls: tuple[OutermostCall, ...],
    others: tuple[OutermostCall, ...],
    *,
    gradient: bool = False,
) -> tuple[float, int]:
    """Return the largest change of an output as inputs are exchanged, over their largest size, and the number of exchanges.

    Args:
        model: the model.
        loss: computes the loss on one batch.
        calls: its outermost calls on that batch.
        others: those on another batch; the same ones if there is none.
        gradient: whether the loss itself differentiates.
    """
    largest, made = 0.0, 0
    for exchange in _exchanges(calls, others):
        with suppress(Exception):
            change = output_change(calls, outermost_calls(model, loss, exchange, gradient=gradient))
            if change is not None:
                made += 1
                largest = max(largest, change)
    return largest, made


def _exchanges(calls: tuple[OutermostCall, ...], others: tuple[OutermostCall, ...]) -> Iterator[Exchange]:
    """Yield rows moved by half the batch; values mixed among rows, column by column; another batch's inputs."""

    def moved(_: str, tensor: Tensor) -> Tensor:
        if tensor.dim() == 0 or tensor.size(0) == 0:
            return tensor
        rows = tensor.size(0)
        return with_rows(tensor, torch.arange(rows).roll(max(1, rows // 2)))

    def mixed(path: str, tensor: Tensor) -> Tensor:
        if tensor.dim() == 0 or not is_plain(tensor):
            return tensor
        generator = torch.Generator().manual_seed(len(path))
        order = torch.rand(tensor.shape, generator=generator).argsort(0).to(tensor.device)
        return tensor.gather(0, order)

    given = {path: tensor for call in others for path, tensor in call.inputs}

    def another(path: str, tensor: Tensor) -> Tensor:
        other = given.get(path)
        return other if other is not None and _same_size(other, tensor) else tensor

    yield moved
    yield mixed
    if others is not calls:
        yield another


def _same_size(one: Tensor, two: Tensor) -> bool:
    return one.shape == two.shape if is_plain(one) and is_plain(two) else one.layout == two.layout


def input_gradient(model: nn.Module, loss: Callable[[nn.Module], Tensor]) -> float | None:
    """Return the largest gradient of a random sum of the outputs with respect to a floating-point input.

    None where the model is given none, or where outputs carry no gradient for another reason.
    """

    def random_sum(outputs: Sequence[Tensor]) -> Tensor:
        return torch.stack([(one.float() * torch.randn(one.shape).to(one.device)).sum() for one in outputs]).sum()

    found = _gradients(model, loss, random_sum)
    return None if found is None else max((float(one.abs().max()) for one in found), default=0.0)


def gradient_from_others(
    model: nn.Module, loss: Callable[[nn.Module], Tensor], axes: tuple[int, int], examples: int
) -> float | None:
    """Return the gradient of one example's outputs with respect to the others' inputs, as a share of that to all inputs.

    Args:
        model: the model.
        loss: computes the loss on one batch.
        axes: the axis of the inputs, and that of the outputs, along which examples lie.
        examples: their number; the last one's outputs are differentiated.
    """

    def last_example(outputs: Sequence[Tensor]) -> Tensor:
        rows = [one.select(axes[1], -1) for one in outputs if one.dim() > axes[1] and one.shape[axes[1]] == examples]
        return torch.stack([(one.float() * torch.randn(one.shape).to(one.device)).sum() for one in rows]).sum()

    found = _gradients(model, loss, last_example)
    rows = [one.movedim(axes[0], 0) for one in found or () if one.dim() > axes[0] and one.shape[axes[0]] == examples]
    total = sum(float(one.double().square().sum()) for one in rows)
    return sum(float(one[:-1].double().square().sum()) for one in rows) / total if total > 0 else None


def _gradients(
    model: nn.Module, loss: Callable[[nn.Module], Tensor], scalar: Callable[[Sequence[Tensor]], Tensor]
) -> list[Tensor] | None:
    """Return the gradients of a scalar of the outputs with respect to floating-point inputs, None where there are none."""
    marked: list[Tensor] = []
    outputs: list[Tensor] = []

    def mark(tensor: Tensor) -> Tensor:
        if not tensor.is_floating_point():
            return tensor
        marked.append(tensor.detach().clone().requires_grad_())
        return marked[-1].clone()

    def enter(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        changed = map_tensors([args, kwargs], mark, lambda item: item)
        return tuple(changed[0]), changed[1]

    def leave(_: nn.Module, __: Any, output: Any) -> None:
        outputs.extend(one for _, one in tensors_of(output) if one.is_floating_point() and one.requires_grad)

    handles = [model.register_forward_pre_hook(enter, with_kwargs=True), model.register_forward_hook(leave)]
    try:
        with evaluation_mode(model, gradient=True):
            loss(model)
            if not marked or not outputs:
                return None
            found = torch.autograd.grad(scalar(outputs), marked, allow_unused=True)
    finally:
        for handle in handles:
            handle.remove()
    return [one for one in found if one is not None]
