"""Activations in a traced forward."""

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import fx
from torch.nn import functional

from trainsense.workload.edits.activation_sites import Site
from trainsense.workload.edits.own_forward import OwnForward, UntraceableError

_FUNCTIONS: Final[dict[Any, str]] = {
    torch.sigmoid: "Sigmoid",
    torch.sigmoid_: "Sigmoid",
    torch.special.expit: "Sigmoid",
    functional.sigmoid: "Sigmoid",
    torch.tanh: "Tanh",
    torch.tanh_: "Tanh",
    functional.tanh: "Tanh",
    functional.hardsigmoid: "Hardsigmoid",
    functional.hardtanh: "Hardtanh",
    functional.hardtanh_: "Hardtanh",
    torch.relu: "Relu",
    torch.relu_: "Relu",
    functional.relu: "Relu",
    functional.relu_: "Relu",
    functional.relu6: "Relu6",
}
_METHODS: Final = {
    "sigmoid": "Sigmoid",
    "sigmoid_": "Sigmoid",
    "tanh": "Tanh",
    "tanh_": "Tanh",
    "relu": "Relu",
    "relu_": "Relu",
}
_NEW: Final[dict[str, Any]] = {"ReLU": torch.relu, "GELU": functional.gelu}


def replace_nodes(own: OwnForward, sites: Sequence[Site], new: str) -> None:
    """Replace the activations at `sites` of a traced forward, in place.

    Args:
        own: the traced forward.
        sites: activations of that module.
        new: "ReLU" or "GELU".

    Raises:
        UntraceableError: the forward that was traced calls other activations than the one that ran.
    """
    nodes = [node for node in own.graph.nodes if _kind(node)]
    if tuple(_kind(node) for node in nodes) != sites[0].kinds:
        msg = "calls its activations in a way that torch.fx does not see"
        raise UntraceableError(msg)
    for site in sites:
        old = nodes[site.position]
        with own.graph.inserting_before(old):
            node = own.graph.call_function(_NEW[new], (old.args[0] if old.args else old.kwargs["input"],))
        old.replace_all_uses_with(node)
        own.graph.erase_node(old)


def _kind(node: fx.Node) -> str:
    if node.op == "call_method":
        return _METHODS.get(str(node.target), "")
    return _FUNCTIONS.get(node.target, "") if node.op == "call_function" else ""
