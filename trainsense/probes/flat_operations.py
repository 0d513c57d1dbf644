"""Operations that let nothing of their input through: a softmax over one value, a sign, a clamp that all lie beyond."""

import math
from dataclasses import dataclass
from typing import Final

from trainsense.probes.normalised import softmax_axis
from trainsense.probes.structure import Graph, LiveLoss
from trainsense.records.evidence.constant_output import Flattening

_STEPS: Final = frozenset(["Sign", "Sgn", "Round", "Floor", "Ceil", "Trunc", "Heaviside"])
"""Piecewise constant functions, whose gradient autograd gives as zero."""
_CLAMPS: Final = {
    "Clamp": ("min", "max"),
    "Hardtanh": ("min_val", "max_val"),
    "ClampMin": ("min", None),
    "ClampMax": (None, "max"),
}


@dataclass(frozen=True, kw_only=True)
class Flat:
    """One such operation.

    Attributes:
        op: its position in the graph.
        flattening: what it does.
    """

    op: int
    flattening: Flattening


def flat_operations(live: LiveLoss) -> tuple[Flat, ...]:
    """Return the operations on data that let nothing through, in order."""
    found = ((index, _flattening(live, index)) for index in range(len(live.graph.ops)) if live.graph.data[index])
    return tuple(Flat(op=index, flattening=flattening) for index, flattening in found if flattening is not None)


def is_blocked(graph: Graph, flat: tuple[Flat, ...]) -> bool:
    """Return whether the loss depends on the batch through these operations alone."""
    stops = {one.op for one in flat}
    open_ways = [False] * len(graph.ops)
    for index, op in enumerate(graph.ops):
        if index in stops or not graph.data[index]:
            continue
        sources = [source for source in op.inputs if source is not None]
        inner = [source for source in sources if graph.data[source]]
        open_ways[index] = any(open_ways[source] for source in inner) or not inner
    return bool(stops) and not open_ways[-1]


def _flattening(live: LiveLoss, index: int) -> Flattening | None:
    op = live.graph.ops[index]
    if op.kind in _STEPS:
        return "step-function"
    axis = softmax_axis(live, index)
    if axis is not None and op.shape[axis] == 1:
        users = {live.graph.ops[user].kind for user in live.graph.users[index]}
        return "cross-entropy-over-one" if any(kind.startswith("NllLoss") for kind in users) else "softmax-over-one"
    if _normalises_one_value(live, index):
        return "normalised-over-one"
    return "clamped" if op.kind in _CLAMPS and _is_beyond(live, index) else None


def _normalises_one_value(live: LiveLoss, index: int) -> bool:
    op, node = live.graph.ops[index], live.nodes[index]
    if op.kind in {"NativeLayerNorm", "FusedRmsNorm"}:
        shape = getattr(node, "_saved_normalized_shape", None)
        return op.kind == "NativeLayerNorm" and shape is not None and math.prod(shape) == 1
    if op.kind == "NativeGroupNorm":
        values = int(node._saved_C) * int(node._saved_HxW)  # noqa: SLF001 - autograd keeps the sizes
        return values == int(node._saved_group)  # noqa: SLF001
    return False


def _is_beyond(live: LiveLoss, index: int) -> bool:
    """Return whether every value lies beyond a clamp's limits."""
    values = live.saved(index, "self")
    names = _CLAMPS[live.graph.ops[index].kind]
    limits = [getattr(live.nodes[index], f"_saved_{name}", None) if name else None for name in names]
    if values is None or any(limit is not None and not isinstance(limit, (int, float)) for limit in limits):
        return False
    low, high = limits
    beyond = values != values  # noqa: PLR0124 - all False
    if low is not None:
        beyond = beyond | (values < low)
    if high is not None:
        beyond = beyond | (values > high)
    return values.numel() > 1 and bool(beyond.all())
