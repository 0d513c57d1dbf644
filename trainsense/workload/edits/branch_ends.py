"""The last layers of residual branches: zero there makes the branch give zero, and it still learns."""

from collections.abc import Iterator
from dataclasses import dataclass

from trainsense.probes.structure import Form, Graph, Layer, Residual, added_parameter, layer, residuals
from trainsense.probes.structure.kinds import PASSING, STEEP_AT_ZERO, SUMS


@dataclass(frozen=True, kw_only=True)
class BranchEnds:
    """What was found at the ends of residual branches.

    Attributes:
        names: parameters to zero, in the order of the forward pass.
        blocked: for each branch without such parameters, why.
    """

    names: tuple[str, ...]
    blocked: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _End:
    """The parameters that end one way of a branch, and the operations that apply them."""

    names: tuple[str, ...]
    ops: tuple[int, ...]


class _BlockedError(Exception):
    """A way back from a sum meets something else than a layer; the message says what."""


def branch_ends(graph: Graph) -> BranchEnds:
    """Return the parameters that end residual branches and nothing else."""
    ends: list[_End] = []
    blocked: list[str] = []
    for residual in residuals(graph):
        try:
            ends.append(_unread(graph, _end(graph, residual.end, residual), residual))
        except _BlockedError as error:
            blocked.append(str(error))
    while True:
        ops = frozenset(op for end in ends for op in end.ops)
        kept = [end for end in ends if not _applied_elsewhere(graph, end, ops)]
        if len(kept) == len(ends):
            break
        blocked.extend(
            "one ends in a layer whose weight is applied elsewhere too" for _ in range(len(ends) - len(kept))
        )
        ends = kept
    names = dict.fromkeys(name for end in ends for name in end.names)
    return BranchEnds(names=tuple(names), blocked=tuple(blocked))


def _end(graph: Graph, index: int, residual: Residual) -> _End:
    """Walk back from the end of a branch to the layers that it ends in."""
    op, own = graph.ops[index], layer(graph, index)
    if index == residual.start:
        msg = "one ends in its own input"
        raise _BlockedError(msg)
    if own is not None:
        return _of_layer(own, index)
    bias = added_parameter(graph, index)
    data = graph.data_inputs(index)
    if bias is not None and bias.form is Form.WHOLE:
        rest = _end(graph, data[0], residual)
        return _End(names=(*rest.names, bias.name), ops=(*rest.ops, index))
    if op.kind in SUMS:
        ways = [_end(graph, one, residual) for one in data]
        return _End(names=tuple(n for way in ways for n in way.names), ops=tuple(o for way in ways for o in way.ops))
    if op.kind == "Mul" and len(data) == 2:
        return _either(graph, data, residual)
    if (op.kind in PASSING or op.kind in STEEP_AT_ZERO) and len(data) == 1:
        return _end(graph, data[0], residual)
    msg = f"one ends in {op.kind}"
    raise _BlockedError(msg)


def _of_layer(own: Layer, index: int) -> _End:
    if any(one.form is not Form.WHOLE for one in own.parameters) or len(own.parameters) > 2:
        msg = "one ends in a layer whose weight is a part or a function of a parameter"
        raise _BlockedError(msg)
    ordered = sorted(own.parameters, key=lambda one: one.adds)
    return _End(names=tuple(one.name for one in ordered), ops=(index,))


def _either(graph: Graph, data: tuple[int, ...], residual: Residual) -> _End:
    """One factor of a gated end: both at zero would give no gradient to either."""
    reasons: list[_BlockedError] = []
    for one in data:
        try:
            return _unread(graph, _end(graph, one, residual), residual)
        except _BlockedError as error:
            reasons.append(error)
    raise reasons[0]


def _unread(graph: Graph, end: _End, residual: Residual) -> _End:
    """Check that all that is computed from the last layers goes through the sum."""
    for op in end.ops:
        if any(user == len(graph.ops) - 1 for user in _readers(graph, op, residual.op)):
            msg = "what one ends in is also read elsewhere"
            raise _BlockedError(msg)
    return end


def _readers(graph: Graph, op: int, barrier: int) -> Iterator[int]:
    seen: set[int] = set()
    stack = [op]
    while stack:
        index = stack.pop()
        if index in seen or index == barrier:
            continue
        seen.add(index)
        yield index
        stack.extend(graph.users[index])


def _applied_elsewhere(graph: Graph, end: _End, ops: frozenset[int]) -> bool:
    return any(not graph.applications[name] <= ops for name in end.names)
