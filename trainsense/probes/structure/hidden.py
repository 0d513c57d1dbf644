"""Whether an activation is a hidden one."""

from collections.abc import Callable, Iterable, Iterator

from trainsense.probes.structure.following import is_written_out_norm, passes
from trainsense.probes.structure.graph import Graph
from trainsense.probes.structure.kinds import MATMULS, NORMS, SUMS
from trainsense.probes.structure.layers import layer


def hidden_activations(graph: Graph, activations: Iterable[int], sums: frozenset[int]) -> frozenset[int]:
    """Return those activations that stand between layers: behind one, with another one on the way to the loss.

    One whose result is multiplied by other data does not count (a gate, or what is gated), nor does one that squashes
    a product of data (attention scores).

    Args:
        graph: the graph.
        activations: positions of activations.
        sums: positions of the residual sums.
    """
    ahead_of_layers = 0
    for index in range(len(graph.ops)):
        if _is_affine(graph, index):
            ahead_of_layers |= graph.ancestors[index]
    return frozenset(
        index
        for index in activations
        if ahead_of_layers >> index & 1 and _is_behind_layer(graph, index, sums) and not _is_factor(graph, index, sums)
    )


def _is_behind_layer(graph: Graph, index: int, sums: frozenset[int]) -> bool:
    behind = _walk(graph.data_inputs(index), graph.data_inputs, lambda one: one not in sums and passes(graph, one))
    return any(one in sums or graph.ops[one].kind in NORMS or _is_affine(graph, one) for one in behind)


def _is_factor(graph: Graph, index: int, sums: frozenset[int]) -> bool:
    ahead = _walk(graph.users[index], graph.users.__getitem__, lambda one: one not in sums and _carries(graph, one))
    return any(_is_product(graph, one) for one in ahead)


def _walk(
    first: tuple[int, ...], onward: Callable[[int], tuple[int, ...]], through: Callable[[int], bool]
) -> Iterator[int]:
    """Yield operations from the `first` on, going past those that `through` is true for."""
    seen: set[int] = set()
    stack = list(first)
    while stack:
        one = stack.pop()
        if one not in seen:
            seen.add(one)
            yield one
            stack.extend(onward(one) if through(one) else ())


def _carries(graph: Graph, index: int) -> bool:
    """Return whether an operation's result still stands for what goes in: no layer, one data input or a sum."""
    single = len(graph.data_inputs(index)) == 1 or graph.ops[index].kind in SUMS
    return (single or graph.norm_call(index) is not None) and not _is_affine(graph, index)


def _is_product(graph: Graph, index: int) -> bool:
    kind = graph.ops[index].kind
    product = kind in {"Mul", "Div"} | MATMULS or kind.startswith("ScaledDotProduct")
    if not product or len(graph.data_inputs(index)) < 2 or graph.norm_call(index) is not None:
        return False
    return not is_written_out_norm(graph, index)


def _is_affine(graph: Graph, index: int) -> bool:
    own = layer(graph, index)
    return own is not None and own.affine
