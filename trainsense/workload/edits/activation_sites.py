"""Hidden activations of a model, and how they are written: as a module, or in the forward of one."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from torch import nn

from trainsense.probes.structure import Graph, hidden_activations, residuals
from trainsense.probes.structure.kinds import SATURATING

MODULES: Final = (nn.Sigmoid, nn.Tanh, nn.Hardsigmoid, nn.Hardtanh, nn.Softsign, nn.ReLU, nn.ReLU6)
"""The module classes that are replaced, themselves, not their subclasses."""
TORCH_LAYERS: Final = (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)
"""Modules of torch whose activation is an attribute."""
_WRITTEN: Final = SATURATING | {"Relu", "Relu6"}


@dataclass(frozen=True, kw_only=True)
class Site:
    """One hidden activation.

    Attributes:
        path: path of the activation module, or of the module in whose forward it is called.
        saturating: whether it saturates on both sides.
        functional: whether it is called in the forward of a module of the user's.
        position: its position among the activations that this forward calls itself.
        kinds: the kinds of all of them, in the order in which they are called.
    """

    path: str
    saturating: bool
    functional: bool
    position: int
    kinds: tuple[str, ...]


def hidden_sites(graph: Graph, model: nn.Module) -> tuple[Site, ...]:
    """Return the activations of `model` that are hidden ones in every call."""
    sums = frozenset(one.op for one in residuals(graph))
    by_module: dict[str, list[tuple[int, ...]]] = defaultdict(list)
    for path, ops in _called(graph):
        by_module[path].append(ops)
    hidden = hidden_activations(graph, (op for calls in by_module.values() for ops in calls for op in ops), sums)
    return tuple(
        site
        for path, calls in by_module.items()
        for site in _sites(graph, path, model.get_submodule(path), calls, hidden)
    )


def _called(graph: Graph) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the path of each module call and the activations in it, in the order in which they ran."""
    own: dict[int, list[int]] = defaultdict(list)
    for index, op in enumerate(graph.ops):
        if op.call is not None:
            own[op.call].append(index)
    for position, call in enumerate(graph.calls):
        ops = sorted(own[position], key=lambda index: graph.ops[index].number)
        if call.module in MODULES:
            yield call.path, tuple(ops[-1:])
        else:
            yield call.path, tuple(index for index in ops if kind_of(graph, index) in _WRITTEN)


def kind_of(graph: Graph, index: int) -> str:
    """Return the kind of an activation; ReLU6, which autograd takes for a hard tanh, by its own name."""
    op = graph.ops[index]
    return "Relu6" if op.kind == "Hardtanh" and op.details["min_val"] == 0 else op.kind


def _sites(
    graph: Graph, path: str, module: nn.Module, calls: list[tuple[int, ...]], hidden: frozenset[int]
) -> Iterator[Site]:
    activation = type(module) in MODULES
    if not activation and not isinstance(module, TORCH_LAYERS) and type(module).__module__.startswith("torch.nn."):
        return
    kinds = tuple(kind_of(graph, index) for index in calls[0])
    if any(tuple(kind_of(graph, index) for index in ops) != kinds for ops in calls):
        return
    for position, kind in enumerate(kinds):
        if all(ops[position] in hidden for ops in calls):
            yield Site(
                path=path,
                saturating=not isinstance(module, (nn.ReLU, nn.ReLU6)) and kind not in {"Relu", "Relu6"},
                functional=not activation and not isinstance(module, TORCH_LAYERS),
                position=position,
                kinds=kinds,
            )
