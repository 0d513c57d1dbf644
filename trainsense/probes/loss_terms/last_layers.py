"""The loss of a model whose last layers are zeroed: what predictions that say nothing cost."""

import torch
from torch import Tensor, nn

from trainsense.probes.structure import Form, Graph, copied, layer
from trainsense.probes.structure.kinds import GRADIENT


def last_layers(graph: Graph) -> tuple[str, ...]:
    """Return the parameters of the layers that no other layer reads; empty where they can't be zeroed by themselves."""
    affine = [
        (index, own) for index in range(len(graph.ops)) if (own := layer(graph, index)) is not None and own.affine
    ]
    read = 0
    for index, _ in affine:
        read |= graph.ancestors[index] & ~(1 << index)
    names: dict[str, None] = {}
    for index, own in affine:
        if read >> index & 1:
            continue
        if any(one.form is not Form.WHOLE for one in own.parameters):
            return ()
        names.update(dict.fromkeys(one.name for one in own.parameters))
    differentiates = any(op.kind.startswith(GRADIENT) for op in graph.ops)
    return () if differentiates else tuple(names)


def zeroed(model: nn.Module, names: tuple[str, ...]) -> nn.Module:
    """Return a copy of the model with some parameters zero."""
    changed = copied(model)
    parameters: dict[str, Tensor] = dict(changed.named_parameters(remove_duplicate=False))
    with torch.no_grad():
        for name in names:
            parameters[name].zero_()
    return changed
