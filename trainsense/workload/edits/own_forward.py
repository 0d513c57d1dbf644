"""A module's own forward as a `torch.fx` graph in which the modules that it calls stay whole."""

import inspect
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import fx, nn

from trainsense.probes.structure import Call, copied
from trainsense.workload.edits.train_and_eval import merged

_SWITCH: Final = (type(None), bool, str)


class UntraceableError(Exception):
    """A module's forward cannot be written down as a graph; the message completes "its forward ..."."""


@dataclass(frozen=True, kw_only=True)
class OwnForward:
    """The own forward of one module.

    Attributes:
        path: the module's path in the model.
        module: its class.
        graph: what it computes; modules that it calls are single nodes.
        fixed: arguments that were the same constant in every call, which the graph takes for granted.
    """

    path: str
    module: type[nn.Module]
    graph: fx.Graph
    fixed: Mapping[str, Any]


class _Tracer(fx.Tracer):
    """Every module is a leaf."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:  # noqa: ARG002 - fx's signature
        return True


def own_forward(model: nn.Module, path: str, calls: Sequence[Call]) -> OwnForward:
    """Trace the forward of the module at `path`, in training and in evaluation mode.

    Args:
        model: the model.
        path: the module's path.
        calls: the calls of it that were seen.

    Raises:
        UntraceableError: the forward branches on data, draws numbers while it is traced, writes to its module, depends
            on the mode in another way than by `self.training` as an argument, or is called in different ways.
    """
    module = model.get_submodule(path)
    if type(module).__module__.startswith("torch.nn."):
        msg = f"is torch's own ({type(module).__name__})"
        raise UntraceableError(msg)
    if "forward" in vars(module):
        msg = "was set on the instance"
        raise UntraceableError(msg)
    fixed = _fixed_arguments(type(module).forward, calls)
    graph = merged(_traced(module, fixed, training=True), _traced(module, fixed, training=False))
    if graph is None:
        msg = "does different things in training and in evaluation"
        raise UntraceableError(msg)
    return OwnForward(path=path, module=type(module), graph=graph, fixed=fixed)


def _fixed_arguments(forward: Callable[..., Any], calls: Sequence[Call]) -> dict[str, Any]:
    """Return the arguments that a trace may take for granted: None, a truth value or a name in every call, or never given.

    Numbers that are given may be sizes, which other batches have others of.
    """
    signature = inspect.signature(forward)
    if any(one.kind in {one.VAR_POSITIONAL, one.VAR_KEYWORD} for one in signature.parameters.values()):
        msg = "takes a variable number of arguments"
        raise UntraceableError(msg)
    if not calls:
        msg = "is never called"
        raise UntraceableError(msg)
    given = [signature.bind(None, *call.args, **call.kwargs).arguments for call in calls]
    fixed: dict[str, Any] = {}
    for name, parameter in list(signature.parameters.items())[1:]:
        values = [one.get(name, parameter.default) for one in given]
        switches = [isinstance(value, _SWITCH) for value in values]
        if any(switches) and not all(switches):
            msg = f"is called with and without {name!r}"
            raise UntraceableError(msg)
        if all(switches) and all(value == values[0] for value in values):
            fixed[name] = values[0]
        elif isinstance(parameter.default, (int, float)) and not any(name in one for one in given):
            fixed[name] = parameter.default
    return fixed


def _traced(module: nn.Module, fixed: Mapping[str, Any], *, training: bool) -> fx.Graph:
    watched = copied(module).train(training)
    before, drawn = _state(watched), _drawn()
    try:
        graph = _Tracer().trace(watched, concrete_args=dict(fixed) or None)
    except Exception as error:  # whatever the user's code does with a value that is no tensor
        text = str(error).partition("\n")[0].partition(". ")[0]
        msg = f"cannot be traced by torch.fx ({text})"
        raise UntraceableError(msg) from error
    if _drawn() != drawn:
        msg = "draws random numbers outside of the graph"
        raise UntraceableError(msg)
    if any(node.op == "get_attr" and str(node.target).startswith("_tensor_constant") for node in graph.nodes):
        msg = "makes a tensor of its own"
        raise UntraceableError(msg)
    if _state(watched) != before:
        msg = "writes to its module"
        raise UntraceableError(msg)
    return _without_checks(graph, fixed)


def _state(module: nn.Module) -> dict[str, Any]:
    """Return the identity, and the length if there is one, of all that a module holds."""
    return {key: (id(value), len(value) if isinstance(value, (list, dict)) else 0) for key, value in _held(module)}


def _held(module: nn.Module) -> Iterator[tuple[str, Any]]:
    yield from vars(module).items()
    yield from ((f"buffer {name}", value) for name, value in module.named_buffers(recurse=False))


def _drawn() -> tuple[Any, ...]:
    numpy: Any = np.random.get_state()
    return random.getstate(), numpy[1].tobytes(), numpy[2], torch.get_rng_state().numpy().tobytes()


def _without_checks(graph: fx.Graph, fixed: Mapping[str, Any]) -> fx.Graph:
    """Return the graph with the arguments' own names, without fx's checks of fixed arguments and what is read in vain."""
    for node in reversed(graph.nodes):
        name = getattr(node.target, "__name__", "")
        checks = name in {"_assert_is_none", "_assert"} and "has been specialized to have value" in str(node.args[1])
        if checks or (name in {"eq", "getitem"} and not node.users):
            graph.erase_node(node)
    clean = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    for node in graph.nodes:
        if node.op == "placeholder":
            name, default = str(node.target), node.args[0] if node.args else inspect.Parameter.empty
            own = name[:-2] if name.endswith("_1") and name[:-2] in fixed else name  # fx renames fixed arguments
            copies[node] = clean.placeholder(own, default_value=default)
        else:
            copies[node] = clean.node_copy(node, lambda old: copies[old])
        copies[node].type = None
    return clean
