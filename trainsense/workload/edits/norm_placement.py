"""`Norm(x + f(x))` made `x + f(Norm(x))` in a traced forward."""

import operator
from typing import Final

import torch
from torch import fx, nn
from torch.nn import functional

from trainsense.probes.structure import is_norm_layer

_ADDITIONS: Final = frozenset({operator.add, operator.iadd, torch.add})
_ADDING_METHODS: Final = frozenset({"add", "add_"})
_FUNCTIONAL_NORMS: Final = frozenset(
    {functional.layer_norm, functional.group_norm, functional.batch_norm, functional.rms_norm, torch.layer_norm}
)
_SIZES: Final = frozenset({"shape", "device", "dtype", "ndim"})
_SIZE_METHODS: Final = frozenset({"size", "dim", "numel"})


def move_norms(graph: fx.Graph, module: nn.Module) -> int:
    """Move each norm that reads a residual sum to the head of its branch; return how many were moved.

    Args:
        graph: the own forward of `module`, changed in place.
        module: finds the classes of the modules that it calls.
    """
    moved = 0
    for norm in list(graph.nodes):
        if _is_norm(norm, module):
            total = norm.args[0]
            operands = _operands(total) if isinstance(total, fx.Node) and len(total.users) == 1 else None
            moved += operands is not None and _moved(graph, norm, total, *operands)
    return moved


def _is_norm(node: fx.Node, module: nn.Module) -> bool:
    if not node.args:
        return False
    if node.op == "call_module":
        return is_norm_layer(module.get_submodule(str(node.target)))
    return node.op == "call_function" and node.target in _FUNCTIONAL_NORMS


def _operands(node: fx.Node) -> tuple[fx.Node, fx.Node] | None:
    adds = (node.op == "call_function" and node.target in _ADDITIONS) or (
        node.op == "call_method" and node.target in _ADDING_METHODS
    )
    if not adds or len(node.args) != 2 or node.kwargs:
        return None
    one, other = node.args
    return (one, other) if isinstance(one, fx.Node) and isinstance(other, fx.Node) else None


def _moved(graph: fx.Graph, norm: fx.Node, total: fx.Node, one: fx.Node, other: fx.Node) -> bool:
    if one in _sources(other):
        stream, end = one, other
    elif other in _sources(one):
        stream, end = other, one
    else:
        return False
    branch = [node for node in _sources(end) if stream in _sources(node) and node is not stream]
    order = list(graph.nodes)
    first = next(node for node in order if node in branch)
    own = [node for node in norm.all_input_nodes if node is not total]
    if any(node.op != "get_attr" and order.index(node) > order.index(first) for node in own):
        return False
    with graph.inserting_before(first):
        copies = {node: graph.node_copy(node) if node.op == "get_attr" else node for node in own}
        head = graph.node_copy(norm, lambda node: copies.get(node, stream))
    for node in branch:
        node.replace_input_with(stream, head)
    with graph.inserting_before(total):
        kept = graph.call_function(operator.add, (stream, end))  # an addition in place would change what the norm read
    norm.replace_all_uses_with(kept)
    for node in (norm, total, *own):
        if not node.users and node.op != "placeholder":
            graph.erase_node(node)
    return True


def _sources(node: fx.Node) -> dict[fx.Node, None]:
    """Return what a node is computed from, itself included, sizes left out."""
    found: dict[fx.Node, None] = {}
    stack = [node]
    while stack:
        one = stack.pop()
        if one in found:
            continue
        found[one] = None
        if not _reads_size(one):
            stack.extend(one.all_input_nodes)
    return found


def _reads_size(node: fx.Node) -> bool:
    if node.op == "call_method":
        return node.target in _SIZE_METHODS
    return node.op == "call_function" and node.target is getattr and node.args[1] in _SIZES
