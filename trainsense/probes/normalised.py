"""Layers that read probabilities: a softmax, or another normalisation to a sum of 1, between layers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor

from trainsense.probes.operands import Operand, is_lookup, operands, touched_by_layers
from trainsense.probes.structure import Graph, LiveLoss, hidden_activations, layer, residuals
from trainsense.probes.structure.kinds import NORMS, PASSING

_SUM_ERROR: Final = {torch.float16: 1e-2, torch.bfloat16: 3e-2}
"""By how much a sum of probabilities may miss 1 in half precision."""
_EXACT: Final = 1e-4
"""The same in single precision, over up to some thousand features."""
_HARD: Final = 1e-3
"""Rows whose largest value is this close to 1 on average are choices, not mixtures."""
Kind = Literal["softmax", "log-softmax", "batch-softmax"]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A layer that reads normalised activations.

    Attributes:
        op: position of the layer's operation.
        kind: how they are normalised.
        features: number of features, or of examples for a batch softmax.
        largest: mean over rows of the largest value; None for a batch softmax.
        lookup: whether the layer is a table that the values weigh.
        values: the values, None where they were not seen.
    """

    op: int
    kind: Kind
    features: int
    largest: float | None
    lookup: bool
    values: Tensor | None


def normalised_readings(live: LiveLoss, examples: int) -> tuple[Reading, ...]:
    """Return the layers behind others that read normalised activations.

    Args:
        live: the loss.
        examples: examples in its batch.
    """
    touched = touched_by_layers(live.graph)
    found: dict[int, Reading] = {}
    hidden = {one.op: one for one in operands(live) if one.source is not None and touched[one.source]}
    for index, operand in hidden.items():
        reading = _by_value(live.graph, operand)
        if reading is not None and not _is_normed(live.graph, operand.source):
            found[index] = reading
    for softmax, index in _softmax_ahead(live.graph):
        if index in hidden:
            reading = _by_operation(live, softmax, hidden[index], examples)
            if reading is not None:
                found.setdefault(index, reading)
    return tuple(found[index] for index in sorted(found))


def hidden_layers(live: LiveLoss) -> int:
    """Return the number of layers behind others whose input is seen."""
    touched = touched_by_layers(live.graph)
    return sum(1 for one in operands(live) if one.source is not None and touched[one.source])


def _by_value(graph: Graph, operand: Operand) -> Reading | None:
    rows = operand.rows
    if rows.shape[0] < 2 or rows.shape[1] < 2:
        return None
    kind = _sums_to_one(rows[:2]) and _sums_to_one(rows)
    if not kind:
        return None
    probabilities = rows if kind == "softmax" else rows.exp()
    largest = float(probabilities.float().amax(dim=1).mean())
    if largest > 1 - _HARD:
        return None
    return Reading(
        op=operand.op,
        kind=kind,
        features=rows.shape[1],
        largest=largest,
        lookup=is_lookup(graph, operand),
        values=operand.values,
    )


def _is_normed(graph: Graph, index: int | None) -> bool:
    """Return whether a norm gave a result, pooled or reshaped since: a fresh one in evaluation mode leaves values as they are."""
    while index is not None:
        if graph.ops[index].kind in NORMS or graph.norm_call(index) is not None:
            return True
        sources = graph.data_inputs(index)
        index = sources[0] if graph.ops[index].kind in PASSING and len(sources) == 1 else None
    return False


def _sums_to_one(rows: Tensor) -> Literal["softmax", "log-softmax"] | None:
    error = _SUM_ERROR.get(rows.dtype, _EXACT)
    rows = rows.float()
    if bool((rows >= 0).all()):
        return "softmax" if bool(((rows.sum(dim=1) - 1).abs() < error).all()) else None
    if bool((rows <= 0).all()):
        return "log-softmax" if bool((rows.logsumexp(dim=1).abs() < error).all()) else None
    return None


def softmax_axis(live: LiveLoss, index: int) -> int | None:
    """Return the axis that a softmax operation normalises along, None if it is none."""
    op = live.graph.ops[index]
    if op.kind not in {"Softmax", "LogSoftmax"} or not op.shape:
        return None
    axis = int(live.nodes[index]._saved_dim)  # noqa: SLF001 - autograd keeps it, as an unsigned number
    return axis - (1 << 64) if axis >= 1 << 63 else axis


def _softmax_ahead(graph: Graph) -> Iterator[tuple[int, int]]:
    """Yield `(softmax, layer)` where a hidden softmax runs into a layer with nothing but reshaping and pooling between."""
    activations = [index for index, op in enumerate(graph.ops) if op.kind in {"Softmax", "LogSoftmax"}]
    if not activations:
        return
    sums = frozenset(one.op for one in residuals(graph))
    for index in sorted(hidden_activations(graph, activations, sums)):
        for reader in _readers(graph, index):
            yield index, reader


def _readers(graph: Graph, index: int) -> Iterator[int]:
    stack, seen = list(graph.users[index]), set[int]()
    while stack:
        one = stack.pop()
        if one in seen:
            continue
        seen.add(one)
        own = layer(graph, one)
        if own is not None and own.affine:
            yield one
        elif graph.ops[one].kind in PASSING and graph.ops[one].kind not in NORMS and len(graph.data_inputs(one)) == 1:
            stack.extend(graph.users[one])


def _by_operation(live: LiveLoss, softmax: int, operand: Operand, examples: int) -> Reading | None:
    op, axis = live.graph.ops[softmax], softmax_axis(live, softmax)
    if axis is None:
        return None
    axis %= len(op.shape)
    over_batch = axis == 0 and len(op.shape) > 1 and op.shape[0] == examples
    features = len(op.shape) == 2 or axis == (1 if len(op.shape) > 3 else len(op.shape) - 1)
    if op.shape[axis] < 2 or not (over_batch or features):
        return None
    result = live.saved(softmax, "result")
    kind: Kind = "batch-softmax" if over_batch else "softmax" if op.kind == "Softmax" else "log-softmax"
    largest = None
    if not over_batch and result is not None:
        largest = float((result if kind == "softmax" else result.exp()).float().amax(dim=axis).mean())
    return Reading(
        op=operand.op,
        kind=kind,
        features=op.shape[axis],
        largest=largest,
        lookup=is_lookup(live.graph, operand),
        values=result,
    )


def is_only_way(graph: Graph, readers: frozenset[int], index: int) -> bool:
    """Return whether every layer that `index` is computed from reaches the loss through `readers` alone.

    Args:
        graph: the graph.
        readers: positions of the layers that stand in the way.
        index: one of them.
    """
    free = [False] * len(graph.ops)
    free[-1] = len(graph.ops) - 1 not in readers
    for one in range(len(graph.ops) - 2, -1, -1):
        free[one] = one not in readers and any(free[user] for user in graph.users[one])
    for one in range(index):
        own = layer(graph, one) if free[one] and graph.depends(index, one) else None
        if own is not None and own.affine:
            return False
    return True
