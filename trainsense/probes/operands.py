"""What the layers of a live loss read: the data that each multiplies by its weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from torch import Tensor

from trainsense.probes.structure import Graph, LiveLoss, added_parameter, layer
from trainsense.probes.structure.kinds import MATMULS, RECURRENT, RESHAPES
from trainsense.probes.structure.layers import Form, Layer
from trainsense.records.location import Location

_SAVED: Final = {
    "Addmm": {1: ("mat1", 1), 2: ("mat2", 0)},
    "Mm": {0: ("self", 1), 1: ("mat2", 0)},
    "Bmm": {0: ("self", 2), 1: ("mat2", 1)},
    "Baddbmm": {1: ("batch1", 2), 2: ("batch2", 1)},
    "Linear": {0: ("input", -1)},
    "MkldnnLinear": {0: ("input", -1)},
}
"""For each kind of product and input of it: what autograd calls the tensor, and the axis that is summed over."""


@dataclass(frozen=True, kw_only=True)
class Operand:
    """The data that one layer reads.

    Attributes:
        op: position of the layer's operation.
        source: position of the operation that made the data, None if autograd does not know it.
        values: the data, as autograd keeps it.
        feature_axis: the axis that the layer sums over.
        layer: the layer.
    """

    op: int
    source: int | None
    values: Tensor
    feature_axis: int
    layer: Layer

    @property
    def rows(self) -> Tensor:
        """The data with features last, as (rows, features)."""
        moved = self.values.movedim(self.feature_axis, -1)
        return moved.reshape(-1, moved.shape[-1])

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that the layer applies."""
        return tuple(one.name for one in self.layer.parameters)


def operands(live: LiveLoss) -> Iterator[Operand]:
    """Yield what each linear, convolutional or recurrent layer reads, as far as autograd keeps it, in order."""
    for index in range(len(live.graph.ops)):
        own = layer(live.graph, index)
        if own is None or not own.affine:
            continue
        found = _operand(live, index, own)
        if found is not None and found.values.is_floating_point() and found.values.numel() > 0:
            yield found


def _operand(live: LiveLoss, index: int, own: Layer) -> Operand | None:
    op = live.graph.ops[index]
    if op.kind in _SAVED:
        slots = _SAVED[op.kind]
    elif op.kind in RECURRENT:
        slots = {0: ("input", -1)}
    else:
        slots = {0: ("input", 1)} if "Conv" in op.kind else {}
    for slot, (name, axis) in slots.items():
        source = op.inputs[slot] if slot < len(op.inputs) else None
        if source is not None and not live.graph.data[source]:
            continue
        values = live.saved(index, name)
        if values is not None and values.dim() > 0:
            return Operand(op=index, source=source, values=values, feature_axis=axis % values.dim(), layer=own)
    return None


def touched_by_layers(graph: Graph) -> tuple[bool, ...]:
    """Return for each operation whether a parameter or a layer, frozen ones too, is among what it comes from."""
    found: list[bool] = []
    for op in graph.ops:
        own = bool(op.parameter) or op.kind in MATMULS or op.kind in RECURRENT
        found.append(own or any(source is not None and found[source] for source in op.inputs))
    return tuple(found)


def is_lookup(graph: Graph, operand: Operand) -> bool:
    """Return whether a layer is a table whose rows the data weighs: `data @ table`, nothing added to the product."""
    if any(one.adds for one in operand.layer.parameters) or _adds_bias(graph, operand.op):
        return False
    return any(one.turned or one.form is Form.FUNCTION for one in operand.layer.parameters)


def _adds_bias(graph: Graph, index: int) -> bool:
    for user in graph.users[index]:
        if added_parameter(graph, user) is not None:
            return True
        if graph.ops[user].kind in RESHAPES and _adds_bias(graph, user):
            return True
    return False


def location(live: LiveLoss, index: int) -> Location:
    """Return where an operation stands: the innermost module that it ran in, and the line of the user's code."""
    path = next((call.path for call in live.graph.modules(index) if call.path), "")
    if not path:
        name = next(live.graph.parameters(index), "") if live.graph.data[index] else ""
        path = name.rpartition(".")[0] or name
    file, line = live.line(index) or ("", None)
    return Location(module=path, file=file, line=line)
