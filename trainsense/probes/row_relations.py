"""What relates the rows of a batch by design: edges, adjacency matrices, indices of rows."""

from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor, nn

from trainsense.probes.normalised import softmax_axis
from trainsense.probes.outermost import OutermostCall
from trainsense.probes.structure import Graph, LiveLoss

_SCATTERS: Final = frozenset(
    ["IndexAdd", "ScatterAdd", "ScatterReduce", "Scatter", "IndexSelect", "IndexReduce", "SegmentReduce", "IndexPut"]
)
"""Operations that move data from row to row by index."""


def relation(model: nn.Module, live: LiveLoss | None, calls: tuple[OutermostCall, ...], rows: int) -> str:
    """Return what relates the rows of a batch by design, as a phrase; empty if nothing was seen to.

    Args:
        model: the model, whose buffers and attributes are looked at.
        live: its loss, None if that could not be had.
        calls: its outermost calls.
        rows: number of rows.
    """
    entering = [tensor for call in calls for _, tensor in call.inputs]
    floats = any(tensor.is_floating_point() for tensor in entering)
    if any(_relates(tensor, rows) or (floats and _indexes(tensor, rows)) for tensor in entering):
        return "a tensor that enters the model relates the rows of the batch to each other (edges, indices or a matrix)"
    if any(_relates(tensor, rows) or _indexes(tensor, rows) for tensor in _held(model)):
        return "a tensor that the model holds relates the rows of the batch to each other (edges, indices or a matrix)"
    if any(tensor.dim() > 1 and tensor.shape[:2] == (rows, rows) for call in calls for tensor in call.outputs):
        return "the model returns a matrix over pairs of rows, or cannot be told from one that does"
    if live is not None and _moves_rows(live.graph, rows):
        return "the model gathers or scatters rows by index, or multiplies them by a matrix that is no parameter"
    return ""


def _relates(tensor: Tensor, rows: int) -> bool:
    """Return whether a tensor is a matrix over pairs of rows, or lists something else than rows by integers.

    A square matrix of floating-point numbers may as well be as many features as there are rows: it counts if it is
    symmetric, or mostly zero, as adjacency matrices are.
    """
    if tensor.layout != torch.strided:
        return True
    if tensor.dim() == 2 and tensor.shape == (rows, rows):
        sparse = int(tensor.count_nonzero()) * 2 < tensor.numel()
        return not tensor.is_floating_point() or sparse or bool(torch.equal(tensor, tensor.T))
    integers = not tensor.is_floating_point() and not tensor.is_complex() and tensor.dtype != torch.bool
    return integers and tensor.dim() > 0 and tensor.numel() > 1 and rows not in tensor.shape


def _indexes(tensor: Tensor, rows: int) -> bool:
    """Return whether integers look like indices of rows: none beyond the last row, some beyond the first half."""
    if tensor.is_floating_point() or tensor.is_complex() or tensor.dtype == torch.bool or tensor.numel() < rows:
        return False
    return int(tensor.min()) >= 0 and rows // 2 <= int(tensor.max()) < rows


def _held(model: nn.Module) -> Iterator[Tensor]:
    for module in model.modules():
        yield from (buffer for buffer in module.buffers(recurse=False) if buffer.dim() > 0)
        for value in vars(module).values():
            if isinstance(value, Tensor) and not isinstance(value, nn.Parameter) and value.dim() > 0:
                yield value


def _moves_rows(graph: Graph, rows: int) -> bool:
    for index, op in enumerate(graph.ops):
        if op.call is None or not graph.data[index]:
            continue
        sources = [graph.ops[source].shape for source in graph.data_inputs(index)]
        per_row = any(shape[:1] == (rows,) for shape in (*sources, op.shape))
        if op.kind in _SCATTERS and per_row:
            return True
        if op.kind == "Index" and any(shape[:1] == (rows,) and len(op.shape) >= len(shape) for shape in sources):
            return True
        if per_row and (op.kind.startswith("Sparse") or (op.kind == "Mm" and op.inputs[0] is None)):
            return True
    return False


def softmaxes_over_rows(live: LiveLoss, rows: int) -> tuple[int, ...]:
    """Return the softmax operations within the model that normalise along the first axis, of this many rows."""
    found = []
    for index, op in enumerate(live.graph.ops):
        axis = softmax_axis(live, index)
        if axis is not None and op.call is not None and axis % len(op.shape) == 0 and op.shape[0] == rows > 1:
            found.append(index)
    return tuple(found)
