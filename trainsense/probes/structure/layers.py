"""Layers of a graph: where parameters are applied to data."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from trainsense.probes.structure.graph import Graph
from trainsense.probes.structure.kinds import MATMULS, NORMS, PARTS, RECURRENT, RESHAPES

_BIAS_FIRST = frozenset({"Addmm", "Baddbmm", "Addbmm"})
_TURNS = frozenset({"T", "Transpose", "Permute"})


class Form(Enum):
    """How a parameter is applied."""

    WHOLE = "as it is, reshaped or cast at most"
    PART = "a part of it, such as one projection of a packed weight"
    FUNCTION = "a function of it, such as a normalised weight"


@dataclass(frozen=True, kw_only=True)
class Applied:
    """One parameter in one layer.

    Attributes:
        name: the parameter's first name.
        form: how it is applied.
        adds: whether it is added (a bias), not multiplied.
        turned: whether its first dimension is the one that the data comes in by, as in `x @ weight`.
    """

    name: str
    form: Form
    adds: bool
    turned: bool


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One application of parameters to data: a linear, convolutional or recurrent layer, a norm, or a learned scale.

    Attributes:
        op: position of the operation.
        parameters: what it applies.
        affine: whether it is a linear, convolutional or recurrent layer.
    """

    op: int
    parameters: tuple[Applied, ...]
    affine: bool


def layer(graph: Graph, index: int) -> Layer | None:
    """Return the layer that an operation is, None if it multiplies data by no parameter."""
    op = graph.ops[index]
    if not graph.data[index]:
        return None
    scale = op.kind == "Mul" and len(graph.data_inputs(index)) == 1
    if not (scale or op.kind in NORMS or op.kind in MATMULS or op.kind in RECURRENT):
        return None
    parameters = tuple(_applied(graph, index))
    if all(one.adds for one in parameters):
        return None
    return Layer(op=index, parameters=parameters, affine=op.kind in MATMULS or op.kind in RECURRENT)


def added_parameter(graph: Graph, index: int) -> Applied | None:
    """Return the parameter that an operation adds to its one data input, such as a bias; None if it is no such addition."""
    own = graph.parameter_inputs(index)
    if graph.ops[index].kind != "Add" or len(own) != 1 or len(graph.data_inputs(index)) != 1:
        return None
    name, form = _source(graph, own[0])
    return None if form is Form.FUNCTION else Applied(name=name, form=form, adds=True, turned=False)


def _applied(graph: Graph, index: int) -> Iterator[Applied]:
    op = graph.ops[index]
    bias_slot = None if op.kind == "Mul" else 0 if op.kind in _BIAS_FIRST else 2
    for slot, source in enumerate(op.inputs):
        if source is None or graph.data[source]:
            continue
        name, form = _source(graph, source)
        adds = slot == bias_slot and op.kind not in RECURRENT
        if form is Form.FUNCTION:
            yield from (Applied(name=leaf, form=form, adds=adds, turned=False) for leaf in _leaves(graph, source))
        else:
            yield Applied(name=name, form=form, adds=adds, turned=_turned(graph, index, slot))


def _turned(graph: Graph, index: int, slot: int) -> bool:
    op = graph.ops[index]
    if "Conv" in op.kind:
        return bool(op.details.get("transposed", False))
    if op.kind not in MATMULS or op.kind.endswith("Linear"):
        return False
    source, turns = op.inputs[slot], 0
    while source is not None and not graph.ops[source].parameter:
        turns += graph.ops[source].kind in _TURNS
        source = graph.ops[source].inputs[0]
    second = slot == len(op.inputs) - 1
    return (turns % 2 == 0) == second


def _source(graph: Graph, index: int) -> tuple[str, Form]:
    """Return the parameter that an operation on parameters gives, and in what form."""
    form = Form.WHOLE
    while not graph.ops[index].parameter:
        op = graph.ops[index]
        sources = [source for source in op.inputs if source is not None]
        if len(sources) != 1 or op.kind not in RESHAPES | PARTS | {"Expand"}:
            return "", Form.FUNCTION
        if op.kind in PARTS:
            form = Form.PART
        index = sources[0]
    return graph.ops[index].parameter, form


def _leaves(graph: Graph, index: int) -> Iterator[str]:
    waiting = deque([index])
    while waiting:
        op = graph.ops[waiting.popleft()]
        if op.parameter:
            yield op.parameter
        waiting.extend(source for source in op.inputs if source is not None)
