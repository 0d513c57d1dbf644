"""Batches of any structure: move them, walk them, copy them (CONTRACT 1)."""

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor


def map_tensors(  # noqa: PLR0911 - one return per structure
    batch: Any, function: Callable[[Tensor], Tensor], on_movable: Callable[[Any], Any]
) -> Any:
    """Return the batch with `function` applied to every tensor, its structure and types kept.

    Args:
        batch: a tensor, tuples, named tuples, lists, mappings, dataclasses of them, or anything else.
        function: applied to tensors.
        on_movable: applied to other objects that have a `.to` method.
    """
    if isinstance(batch, Tensor):
        return function(batch)
    if isinstance(batch, tuple):
        items = [map_tensors(item, function, on_movable) for item in batch]
        return type(batch)(*items) if hasattr(batch, "_fields") else type(batch)(items)
    if isinstance(batch, list):
        return type(batch)(map_tensors(item, function, on_movable) for item in batch)
    if callable(getattr(batch, "to", None)) and not isinstance(batch, type):
        return on_movable(batch)
    if isinstance(batch, Mapping):
        return _mapping_like(batch, {key: map_tensors(item, function, on_movable) for key, item in batch.items()})
    if dataclasses.is_dataclass(batch) and not isinstance(batch, type):
        moved = copy.copy(batch)
        for field in dataclasses.fields(batch):
            object.__setattr__(moved, field.name, map_tensors(getattr(batch, field.name), function, on_movable))
        return moved
    return batch


def _mapping_like(original: Mapping[Any, Any], items: dict[Any, Any]) -> Any:
    if type(original) is dict:
        return items
    try:
        moved: Any = copy.copy(original)
        for key, item in items.items():
            moved[key] = item
    except TypeError:
        return items
    return moved


def to_device(batch: Any, device: torch.device) -> Any:
    """Return the batch on `device`; host memory is copied without blocking."""
    return map_tensors(batch, lambda tensor: tensor.to(device, non_blocking=True), lambda item: item.to(device))


def cloned(batch: Any) -> Any:
    """Return a copy whose tensors share no memory with the batch's."""
    return map_tensors(batch, _copied, copy.deepcopy)


def kept(batch: Any) -> Any:
    """Return a copy of the batch's tensors, so that a source which fills them anew does not change it; other objects stay."""
    return map_tensors(batch, _copied, lambda item: item)


def _copied(tensor: Tensor) -> Tensor:
    return tensor.detach().clone().requires_grad_(tensor.requires_grad)


def tensors_of(batch: Any, path: str = "batch") -> Iterator[tuple[str, Tensor]]:
    """Yield `(path, tensor)` for every tensor in the batch; paths read like Python: `batch[0]`, `batch['x']`."""
    if isinstance(batch, Tensor):
        yield path, batch
        return
    for step, item in _items(batch):
        yield from tensors_of(item, f"{path}{step}")


def _items(batch: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(batch, (tuple, list)):
        yield from ((f"[{index}]", item) for index, item in enumerate(batch))
    elif isinstance(batch, Mapping):
        yield from ((f"[{key!r}]", item) for key, item in batch.items())
    elif dataclasses.is_dataclass(batch) and not isinstance(batch, type):
        yield from ((f".{field.name}", getattr(batch, field.name)) for field in dataclasses.fields(batch))
    elif hasattr(batch, "__dict__"):
        yield from ((f".{name}", item) for name, item in vars(batch).items() if isinstance(item, Tensor))


def byte_count(batch: Any) -> int:
    """Return the memory that the batch's tensors hold, in bytes."""
    return sum(tensor.numel() * tensor.element_size() for _, tensor in tensors_of(batch))


def example_count(batch: Any) -> int:
    """Return the number of examples: the first dimension of the batch's first tensor with one, else 1.

    >>> example_count({"x": torch.zeros(8, 3), "y": torch.zeros(8)})
    8
    """
    return next((tensor.shape[0] for _, tensor in tensors_of(batch) if tensor.dim() > 0), 1)
