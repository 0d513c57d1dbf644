"""A `Graph` from autograd's record of one loss."""

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.autograd.function import BackwardCFunction
from torch.fx import traceback as stacks

from trainsense.probes.structure.calls import CallRecorder
from trainsense.probes.structure.copies import copied
from trainsense.probes.structure.graph import Graph, Op
from trainsense.probes.structure.kinds import CUSTOM, GRADIENT, LEAF, SPLITS
from trainsense.probes.structure.live import LiveLoss
from trainsense.probes.structure.users_files import current_line

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
    return live_loss(model, loss).graph


def live_loss(model: nn.Module, loss: Callable[[nn.Module], Tensor], *, lines: bool = False) -> LiveLoss:
    """Return `loss(model)` of a copy of the model, computed but not yet differentiated, with its graph.

    Args:
        model: a model in the mode that is to be looked at; it is left as it was.
        loss: computes the loss; draws from the global generators what the user's code draws.
        lines: whether to note the line of the user's code that each operation was called from.

    Raises:
        TooManyOpsError: the loss takes more than `MOST_OPS` operations.
        Exception: whatever copying the model or the user's loss raises.
    """
    try:
        return _recorded(copied(model), loss, mark_inputs=True, lines=lines)
    except TooManyOpsError:
        raise
    except Exception:  # noqa: BLE001 - code that reads its inputs otherwise: as NumPy arrays, say
        return _recorded(copied(model), loss, mark_inputs=False, lines=lines)


def _recorded(
    model: nn.Module, loss: Callable[[nn.Module], Tensor], *, mark_inputs: bool, lines: bool = False
) -> LiveLoss:
    recorder = CallRecorder(mark_inputs=mark_inputs)
    with torch.enable_grad(), _noting_lines(wanted=lines), recorder.watching(model):
        value = loss(model)
    if value.grad_fn is None:
        return LiveLoss(model=model, loss=value, graph=Graph(ops=(), calls=()), nodes=())
    names: dict[int, str] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), name)
    pairs = list(_ops(_in_order(value.grad_fn), names, recorder))
    graph = Graph(ops=tuple(op for op, _ in pairs), calls=recorder.calls())
    return LiveLoss(model=model, loss=value, graph=graph, nodes=tuple(node for _, node in pairs))


@contextmanager
def _noting_lines(*, wanted: bool) -> Iterator[None]:
    """Have autograd keep the line of each operation, as its anomaly detection does.

    That would keep the whole stack, with the text of every line in it: a millisecond for each operation.
    """
    if not wanted:
        yield
        return
    whole_stack = stacks.format_stack
    stacks.format_stack = _users_line
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Anomaly Detection has been enabled")
            with torch.autograd.detect_anomaly(check_nan=False):
                yield
    finally:
        stacks.format_stack = whole_stack


def _users_line() -> list[str]:
    """Return what is kept of the stack: the line of the user's code, written as in a traceback."""
    line = current_line()
    return [] if line is None else [f'  File "{line[0]}", line {line[1]}']


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


def _ops(nodes: list[Any], names: Mapping[int, str], recorder: CallRecorder) -> list[tuple[Op, Any]]:
    """Return the operations, each with autograd's node of it."""
    ops: list[tuple[Op, Any]] = []
    positions: dict[tuple[Any, int], int] = {}
    for node in nodes:
        sources = tuple(
            None if source is None else positions.get((source, output), positions[source, 0])
            for source, output in node.next_functions
        )
        op = _op(node, sources, names, recorder)
        whole = positions[node, 0] = len(ops)
        ops.append((op, node))
        if op.kind in SPLITS:
            for output, part in enumerate(node._input_metadata):  # noqa: SLF001 - the shapes of its results
                positions[node, output] = len(ops)
                ops.append((replace(op, inputs=(whole,), shape=_shape(part.shape)), node))
    return ops


def _op(node: Any, sources: tuple[int | None, ...], names: Mapping[int, str], recorder: CallRecorder) -> Op:
    variable = getattr(node, "variable", None)
    number = -1 if variable is not None else int(node._sequence_nr())  # noqa: SLF001 - tells the module call
    metadata = getattr(node, "_input_metadata", None) or ()
    return Op(
        kind=LEAF if variable is not None else _kind(node, gradient=recorder.is_gradient(number)),
        inputs=sources,
        parameter=names.get(id(variable), "") if variable is not None else "",
        shape=_shape(metadata[0].shape) if metadata else (),
        call=recorder.call_at(number),
        number=number,
        details={name: getattr(node, f"_saved_{name}") for name in _DETAILS if hasattr(node, f"_saved_{name}")},
    )


def _shape(sizes: Iterable[Any]) -> tuple[int, ...]:
    """Return the sizes of a result; the one that differs from row to row of a nested tensor as 1."""
    return tuple(size if isinstance(size, int) else 1 for size in sizes)


def _kind(node: Any, *, gradient: bool) -> str:
    kind = re.sub(r"Backward\d*$", "", str(node.name()).rpartition("::")[2])
    if isinstance(node, BackwardCFunction):
        return f"{CUSTOM}{kind}"
    return f"{GRADIENT}{kind}" if gradient else kind
