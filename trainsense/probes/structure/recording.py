"""A `Graph` from autograd's record of one loss."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import torch
from torch import Tensor, nn

from trainsense.probes.structure.calls import CallRecorder
from trainsense.probes.structure.copies import copied
from trainsense.probes.structure.graph import Graph, Op
from trainsense.probes.structure.kinds import GRADIENT, LEAF, SPLITS

MOST_OPS: Final = 30_000
"""More operations than this are not looked through: their ancestor sets would take more than 100 MB."""
_DETAILS: Final = ("negative_slope", "min_val", "max_val", "scale", "alpha", "transposed", "step")
"""Constants of operations that tell something, as autograd saves them."""


class TooManyOpsError(ValueError):
    """The loss is computed in more operations than can be looked through."""


def loss_graph(model: nn.Module, loss: Callable[[nn.Module], Tensor]) -> Graph:
    """Return what `loss(model)` is computed from; the model is left as it was (a copy is looked at).

    Inputs of the model are made to require a gradient where the loss allows it, so that connections from them are seen.

    Args:
        model: a model in the mode that is to be looked at.
        loss: computes the loss; draws from the global generators what the user's code draws.

    Raises:
        TooManyOpsError: the loss takes more than `MOST_OPS` operations.
        Exception: whatever copying the model or the user's loss raises.
    """
    try:
        return _recorded(copied(model), loss, mark_inputs=True)
    except TooManyOpsError:
        raise
    except Exception:  # noqa: BLE001 - code that reads its inputs otherwise: as NumPy arrays, say
        return _recorded(copied(model), loss, mark_inputs=False)


def _recorded(model: nn.Module, loss: Callable[[nn.Module], Tensor], *, mark_inputs: bool) -> Graph:
    recorder = CallRecorder(mark_inputs=mark_inputs)
    with torch.enable_grad(), recorder.watching(model):
        value = loss(model)
    if value.grad_fn is None:
        return Graph(ops=(), calls=())
    names: dict[int, str] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), name)
    return Graph(ops=tuple(_ops(_in_order(value.grad_fn), names, recorder)), calls=recorder.calls())


def _in_order(root: Any) -> list[Any]:
    """Return the nodes below `root`, each after those that it uses."""
    done: dict[Any, None] = {}
    entered: set[Any] = set()
    stack = [root]
    while stack:
        node = stack[-1]
        if node in entered:
            stack.pop()
            done.setdefault(node)
            continue
        entered.add(node)
        if len(entered) > MOST_OPS:
            msg = f"the loss is computed in more than {MOST_OPS} operations"
            raise TooManyOpsError(msg)
        stack.extend(
            source for source, _ in reversed(node.next_functions) if source is not None and source not in entered
        )
    return list(done)


def _ops(nodes: list[Any], names: Mapping[int, str], recorder: CallRecorder) -> list[Op]:
    ops: list[Op] = []
    positions: dict[tuple[Any, int], int] = {}
    for node in nodes:
        sources = tuple(
            None if source is None else positions.get((source, output), positions[source, 0])
            for source, output in node.next_functions
        )
        op = _op(node, sources, names, recorder)
        whole = positions[node, 0] = len(ops)
        ops.append(op)
        if op.kind in SPLITS:
            for output, part in enumerate(node._input_metadata):  # noqa: SLF001 - the shapes of its results
                positions[node, output] = len(ops)
                ops.append(replace(op, inputs=(whole,), shape=tuple(part.shape)))
    return ops


def _op(node: Any, sources: tuple[int | None, ...], names: Mapping[int, str], recorder: CallRecorder) -> Op:
    variable = getattr(node, "variable", None)
    number = -1 if variable is not None else int(node._sequence_nr())  # noqa: SLF001 - tells the module call
    metadata = getattr(node, "_input_metadata", None) or ()
    return Op(
        kind=LEAF if variable is not None else _kind(node.name(), gradient=recorder.is_gradient(number)),
        inputs=sources,
        parameter=names.get(id(variable), "") if variable is not None else "",
        shape=tuple(metadata[0].shape) if metadata else (),
        call=recorder.call_at(number),
        number=number,
        details={name: getattr(node, f"_saved_{name}") for name in _DETAILS if hasattr(node, f"_saved_{name}")},
    )


def _kind(name: str, *, gradient: bool) -> str:
    kind = re.sub(r"Backward\d*$", "", name.rpartition("::")[2])
    return f"{GRADIENT}{kind}" if gradient else kind
