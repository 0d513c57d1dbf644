"""Residual connections of a graph: sums of a stream and of a branch that reads it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from trainsense.probes.structure.graph import Graph
from trainsense.probes.structure.kinds import (
    GRADIENT,
    LEAF,
    NORMS,
    POOLS,
    RELU_FAMILY,
    RESHAPES,
    SATURATING,
    SCALINGS,
    SPREADS,
)
from trainsense.probes.structure.layers import layer

_ON_SHORTCUT: Final = RESHAPES | SPREADS | POOLS | SCALINGS | NORMS
"""Operations that may lie on a shortcut, besides one layer."""

_ELEMENTWISE: Final = RESHAPES | SCALINGS | RELU_FAMILY | SATURATING | {"Add", "Sub"}
"""Operations that may lie between a normalised sum and the next stream."""


@dataclass(frozen=True, kw_only=True)
class Residual:
    """One residual connection, `stream + branch(stream)`.

    Attributes:
        op: position of the sum in `Graph.ops`.
        start: position of what both ways begin at.
        shortcut: position of the operand that comes by the shortcut; `start` itself unless the shortcut projects.
        end: position of the operand that comes by the branch.
        branch: positions of the branch's operations, in order.
        parameters: names of the parameters that the branch applies, in order.
        normed: position of the normalised sum if a norm is all that reads the sum, else None.
        norm_before: whether normalisation is all that the branch reads the stream by: pre-norm.
    """

    op: int
    start: int
    shortcut: int
    end: int
    branch: tuple[int, ...]
    parameters: tuple[str, ...]
    normed: int | None
    norm_before: bool

    @property
    def projects(self) -> bool:
        """Whether the shortcut has operations of its own."""
        return self.shortcut != self.start


def residuals(graph: Graph) -> tuple[Residual, ...]:
    """Return the residual connections of a graph, in the order of their sums.

    Such a connection is a sum of two tensors of its own shape, of at least two dimensions, where one operand is an
    ancestor of the other through at least one parameter (He et al. 2016, equation 1), or where it is computed from such
    an ancestor by a shorter way without activations: at most one layer, reshapes, pooling (there, equation 2).
    """
    found: dict[int, Residual] = {}
    for index, op in enumerate(graph.ops):
        operands = graph.data_inputs(index)
        if op.kind != "Add" or len(operands) != 2 or len(op.shape) < 2:
            continue
        if any(graph.ops[operand].shape != op.shape for operand in operands if graph.ops[operand].kind != LEAF):
            continue
        first, second = operands
        one = _residual(graph, index, first, second, found) or _residual(graph, index, second, first, found)
        if one is not None:
            found[index] = one
    return tuple(found.values())


def _residual(graph: Graph, index: int, shortcut: int, end: int, known: dict[int, Residual]) -> Residual | None:
    start, layers = _start(graph, shortcut, end, known)
    if start is None or start == end:
        return None
    branch = tuple(_between(graph, start, end))
    parameters = tuple(dict.fromkeys(name for op in branch for name in graph.parameters(op)))
    depth = sum(1 for op in branch if (one := layer(graph, op)) is not None and one.affine)
    differentiates = any(graph.ops[op].kind.startswith(GRADIENT) for op in branch)
    if not parameters or differentiates or (layers and depth <= layers):
        return None
    return Residual(
        op=index,
        start=start,
        shortcut=shortcut,
        end=end,
        branch=branch,
        parameters=parameters,
        normed=_normed(graph, index),
        norm_before=_norms_alone(graph, start, [user for user in graph.users[start] if user in set(branch)]),
    )


def _start(graph: Graph, shortcut: int, end: int, known: dict[int, Residual]) -> tuple[int | None, int]:
    """Return where the way back along the shortcut meets what the branch is computed from, and the layers on it."""
    index, layers = shortcut, 0
    while not graph.depends(end, index):
        op, own = graph.ops[index], layer(graph, index)
        if index in known:
            index = known[index].shortcut
            continue
        sources = graph.data_inputs(index)
        layers += own is not None and own.affine
        plain = op.kind in _ON_SHORTCUT or (op.kind == "Slice" and op.details.get("step", 1) > 1)
        bias = op.kind == "Add" and len(graph.parameter_inputs(index)) == 1
        if len(sources) != 1 or layers > 1 or not (plain or bias or own is not None):
            return None, layers
        index = sources[0]
    return index, layers


def _between(graph: Graph, start: int, end: int) -> Iterator[int]:
    """Yield the operations on the ways from `start` to `end`, without the former, in order."""
    found: set[int] = set()
    stack = [end]
    while stack:
        index = stack.pop()
        if index in found or index == start or not graph.depends(index, start):
            continue
        found.add(index)
        stack.extend(graph.data_inputs(index))
    yield from sorted(found)


def _normed(graph: Graph, index: int) -> int | None:
    """Return where the one norm that reads an operation's result, and is all that does, gives its own."""
    while len(graph.users[index]) == 1 and graph.ops[graph.users[index][0]].kind in RESHAPES:
        index = graph.users[index][0]
    if not graph.users[index] or not _norms_alone(graph, index, graph.users[index]):
        return None
    first = graph.users[index][0]
    call = graph.norm_call(first)
    if call is None or call == graph.norm_call(index):
        return first if len(graph.users[index]) == 1 else None
    if any(graph.norm_call(user) != call for user in graph.users[index]):
        return None
    return max(one for one in range(len(graph.ops)) if graph.norm_call(one) == call)


def post_norm(graph: Graph, found: tuple[Residual, ...]) -> tuple[Residual, ...]:
    """Return the residuals of post-norm blocks (Vaswani et al. 2017): those whose normalised sum is the next stream.

    A norm behind a sum whose branch begins with one, or between stages, or at the end of a model, makes no post-norm;
    nor does one that the next block begins with, before its branch and its shortcut part.
    """
    streams = {index for one in found for index in _carrying(graph, one.start)}
    candidates = tuple(
        one for one in found if one.normed is not None and not one.norm_before and _is_around(graph, one.normed, one.op)
    )
    return candidates if len(found) == 1 or any(one.normed in streams for one in candidates) else ()


def _is_around(graph: Graph, norm: int, total: int) -> bool:
    """Return whether the module that calls a norm also makes the sum, itself or by what it calls."""
    call = graph.norm_call(norm)
    caller = graph.ops[norm].call if call is None else graph.calls[call].parent
    return caller is None or any(one is graph.calls[caller] for one in graph.modules(total))


def _carrying(graph: Graph, index: int) -> Iterator[int]:
    """Yield an operation and those before it that hand it their result, each number for itself: reshaped, activated."""
    yield index
    while graph.ops[index].kind in _ELEMENTWISE and len(graph.data_inputs(index)) == 1:
        index = graph.data_inputs(index)[0]
        yield index


def _norms_alone(graph: Graph, index: int, users: tuple[int, ...] | list[int]) -> bool:
    """Return whether all that reads an operation's result, but for reshaping it, is normalisation."""
    if not users:
        return False
    for user in users:
        op = graph.ops[user]
        norm = graph.norm_call(user)
        if op.kind in NORMS or (norm is not None and norm != graph.norm_call(index)):
            continue
        if op.kind not in RESHAPES or not _norms_alone(graph, user, graph.users[user]):
            return False
    return True
