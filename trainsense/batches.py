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
    """Return the batch on `device`; what is pinned in host memory is copied without blocking."""
    return map_tensors(
        batch,
        lambda tensor: tensor if tensor.device == device else tensor.to(device, non_blocking=True),
        lambda item: item.to(device),
    )


def cloned(batch: Any) -> Any:
    """Return a copy whose tensors share no memory with the batch's."""
    return map_tensors(batch, _copied, copy.deepcopy)


def kept(batch: Any, device: torch.device | None = None) -> Any:
    """Return a copy of the batch's tensors, so that a source which fills them anew does not change it; other objects stay.

    Args:
        batch: of any structure.
        device: where the copy is to lie; None for where the batch lies.
    """
    if device is None:
        return map_tensors(batch, _copied, lambda item: item)
    return map_tensors(batch, lambda tensor: _copied_to(tensor, device), lambda item: item)


def kept_on_host(batch: Any, device: torch.device) -> Any:
    """Return a copy of the batch's tensors in host memory, from which `device` can take it.

    A GPU copies from pinned memory while the host goes on.
    """
    if device.type != "cuda":
        return kept(batch)
    host = torch.device("cpu")
    return map_tensors(batch, lambda tensor: _pinned(_copied_to(tensor, host)), lambda item: item)


def _pinned(tensor: Tensor) -> Tensor:
    return tensor.pin_memory().requires_grad_(tensor.requires_grad) if is_plain(tensor) else tensor


def _copied_to(tensor: Tensor, device: torch.device) -> Tensor:
    return tensor.detach().to(device, copy=True).requires_grad_(tensor.requires_grad)


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


def is_plain(tensor: Tensor) -> bool:
    """Return whether a tensor is an ordinary one, whose values are all stored, in rows of the same length."""
    return tensor.layout is torch.strided and not tensor.is_nested


def dense_parts(tensor: Tensor) -> tuple[Tensor, ...]:
    """Return the strided tensors that a tensor of any layout consists of: itself, or its values and where they lie.

    >>> dense_parts(torch.tensor([[0.0, 2.0]]).to_sparse())
    (tensor([2.]), tensor([[0],
            [1]]))
    """
    tensor = tensor.detach()
    if tensor.is_nested:
        return _parts_of_nested(tensor)
    if tensor.layout is torch.sparse_coo:
        tensor = tensor.coalesce()
        return tensor.values(), tensor.indices()
    if tensor.layout in {torch.sparse_csr, torch.sparse_bsr}:
        return tensor.values(), tensor.crow_indices(), tensor.col_indices()
    if tensor.layout in {torch.sparse_csc, torch.sparse_bsc}:
        return tensor.values(), tensor.ccol_indices(), tensor.row_indices()
    return (tensor if tensor.layout is torch.strided else tensor.to_dense(),)


def _parts_of_nested(tensor: Any) -> tuple[Tensor, ...]:
    if tensor.layout is torch.jagged and tensor.lengths() is None:  # without gaps between its rows
        return tensor.values(), tensor.offsets()
    return tuple(tensor.unbind())


def with_rows(tensor: Tensor, rows: Tensor) -> Tensor:
    """Return a tensor of some of another's rows, or of all in another order, its layout kept.

    >>> with_rows(torch.tensor([[0.0, 2.0], [3.0, 0.0]]).to_sparse_csr(), torch.tensor([1, 0])).to_dense()
    tensor([[3., 0.],
            [0., 2.]])

    Args:
        tensor: of any layout.
        rows: 0-based numbers of the rows that are to stand first, second, …; on any device.
    """
    if tensor.is_nested:
        every = tensor.unbind()
        return torch.nested.as_nested_tensor([every[row] for row in rows.tolist()], layout=tensor.layout)
    rows = rows.to(tensor.device)
    if tensor.layout is torch.strided:
        return tensor[rows]
    moved: Tensor = tensor.to_sparse(layout=torch.sparse_coo).index_select(0, rows)
    if tensor.layout in {torch.sparse_bsr, torch.sparse_bsc}:
        block = tensor.values().shape[1:3]
        return moved.to_sparse(layout=tensor.layout, blocksize=(block[0], block[1]))
    return moved.to_sparse(layout=tensor.layout)


def byte_count(batch: Any) -> int:
    """Return the memory that the batch's tensors hold, in bytes."""
    parts = (part for _, tensor in tensors_of(batch) for part in dense_parts(tensor))
    return sum(part.numel() * part.element_size() for part in parts)


def example_count(batch: Any) -> int:
    """Return the number of examples: the first dimension of the batch's first tensor with one, else 1.

    >>> example_count({"x": torch.zeros(8, 3), "y": torch.zeros(8)})
    8
    """
    return next((tensor.size(0) for _, tensor in tensors_of(batch) if tensor.dim() > 0), 1)
