"""What follows a layer: its activation."""

from typing import Final

from trainsense.probes.structure.graph import Graph
from trainsense.probes.structure.kinds import MATMULS, NORMS, PASSING, RELU_FAMILY, SATURATING, SUMS
from trainsense.probes.structure.layers import layer

_NORMALISING: Final = frozenset(["Rsqrt", "Sqrt", "Std", "Var", "LinalgVectorNorm", "Norm"])
"""What a norm that is written out divides by contains one of these."""


def activation_after(graph: Graph, index: int, sums: frozenset[int]) -> int | None:
    """Return the position of the activation that an operation's result runs into next, None if it meets none.

    Norms, pooling, dropout, reshapes, biases and sums that are no residual ones lie between; an activation written as
    a product of its input and a function of it (`x * sigmoid(x)`) counts as one. Of several, one that lets the positive
    half pass comes first.

    Args:
        graph: the graph.
        index: the operation, a layer for instance.
        sums: positions of the residual sums, beyond which nothing is looked for.
    """
    found = sorted(_found(graph, index, sums))
    gentle = [one for one in found if graph.ops[one].kind in RELU_FAMILY or graph.ops[one].kind == "Mul"]
    return next(iter(gentle + found), None)


def _found(graph: Graph, origin: int, sums: frozenset[int]) -> set[int]:
    found: set[int] = set()
    seen: set[int] = set()
    stack = list(graph.users[origin])
    while stack:
        index = stack.pop()
        if index in seen or index in sums:
            continue
        seen.add(index)
        kinds = _written_out(graph, index, origin)
        swish_like = graph.ops[index].kind == "Mul" and kinds and kinds.isdisjoint(_NORMALISING)
        if swish_like or graph.ops[index].kind in RELU_FAMILY | SATURATING:
            found.add(index)
        elif kinds or passes(graph, index) or graph.norm_call(index) not in {None, graph.norm_call(origin)}:
            stack.extend(graph.users[index])
    return found


def passes(graph: Graph, index: int) -> bool:
    """Return whether an operation is neither a layer that mixes features nor an activation: a norm, a sum, a reshape."""
    op = graph.ops[index]
    if op.kind in NORMS or op.kind in SUMS:
        return True
    own = layer(graph, index)
    if own is not None:
        return not own.affine
    return op.kind in PASSING and len(graph.data_inputs(index)) <= 1


def is_written_out_norm(graph: Graph, index: int) -> bool:
    """Return whether a product or quotient of data normalises one factor by the other."""
    inputs = graph.data_inputs(index)
    return any(
        not _written_out(graph, index, origin).isdisjoint(_NORMALISING)
        for origin in (*inputs, *_grandparents(graph, inputs))
    )


def _grandparents(graph: Graph, inputs: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(source for one in inputs for source in graph.data_inputs(one))


def _written_out(graph: Graph, index: int, origin: int) -> frozenset[str]:
    """Return the kinds of the operations by which a product combines `origin` with functions of it alone; else none."""
    inputs = graph.data_inputs(index)
    if graph.ops[index].kind not in {"Mul", "Div"} or len(inputs) != 2:
        return frozenset()
    kinds, stack = {graph.ops[index].kind}, list(inputs)
    while stack:
        one = stack.pop()
        if one == origin:
            continue
        own = layer(graph, one)
        if not graph.depends(one, origin) or graph.ops[one].kind in MATMULS or (own is not None and own.affine):
            return frozenset()
        kinds.add(graph.ops[one].kind)
        stack.extend(graph.data_inputs(one))
    return frozenset(kinds)
