"""The weights of a model, as its graph shows them: what each does, in what order, and what follows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from torch import nn

from trainsense.probes.structure import Graph, activation_after, hidden_activations, layer, residuals
from trainsense.probes.structure.kinds import GRADIENT, LOOKUPS, MATMULS, NORMS, RECURRENT, RESHAPES, SUMS
from trainsense.records.evidence.layers import LayerKind

_FEWEST_TURNS: Final = 3
"""A weight that so many operations apply one after the other, each to what came of the last, is applied through time."""
_PASSED: Final = RESHAPES | {"Add", "NativeDropout", "Slice", "Expand"}
"""May lie between a layer and the norm that takes its scale out again."""


@dataclass(frozen=True, kw_only=True)
class Weight:
    """A parameter of at least two dimensions that is applied to data.

    Attributes:
        name: its first name.
        kind: what it does.
        uses: positions in the graph of the operations that apply it, as they ran.
        unit_axis: its dimension that numbers the layer's units.
        activations: for each use, the position of the activation behind it, None without one.
        gates: whether those activations are gates, or the model's own outputs, and no hidden ones.
        through_time: whether each use reads what came of the one before.
        on_chain: whether its first use lies on the longest way through the layers.
        normed: whether a norm reads what it gives.
        last: whether no other layer reads what it leads to.
    """

    name: str
    kind: LayerKind
    uses: tuple[int, ...]
    unit_axis: int
    activations: tuple[int | None, ...]
    gates: bool
    through_time: bool
    on_chain: bool = False
    normed: bool = False
    last: bool = False


def weights(graph: Graph, model: nn.Module) -> tuple[Weight, ...]:
    """Return the weights in the order in which they are first applied.

    Args:
        graph: of a loss of the model.
        model: the model, or a copy.
    """
    sizes = {name: tuple(one.shape) for name, one in model.named_parameters(remove_duplicate=False)}
    sums = frozenset(one.op for one in residuals(graph))
    found = [_weight(graph, name, uses, sizes[name], sums) for name, uses in _uses(graph, sizes).items()]
    found.sort(key=lambda one: graph.ops[one.uses[0]].number)
    chain = _chain(graph, found)
    layers = {use for one in found if one.kind not in {"embedding", "other"} for use in one.uses}
    read = 0
    for index in layers:
        read |= graph.ancestors[index] & ~(1 << index)
    return tuple(
        replace(
            one,
            on_chain=one.uses[0] in chain,
            normed=all(_normed(graph, use) for use in one.uses),
            last=not any(read >> use & 1 for use in one.uses),
        )
        for one in found
    )


def _uses(graph: Graph, sizes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for name, ops in graph.applications.items():
        if len(sizes.get(name, ())) > 1:
            uses = [index for index in ops if _multiplies(graph, index, name, sizes)]
            if uses:
                found[name] = tuple(sorted(uses, key=lambda index: graph.ops[index].number))
    return found


def _multiplies(graph: Graph, index: int, name: str, sizes: Mapping[str, tuple[int, ...]]) -> bool:
    """Return whether an operation multiplies data by a parameter, or looks it up; not by its magnitudes alone."""
    op = graph.ops[index]
    if op.kind.startswith(GRADIENT) or op.kind in NORMS or op.kind in SUMS:
        return False
    own = layer(graph, index)
    if own is None:
        return op.kind in LOOKUPS
    applied = {one.name for one in own.parameters if not one.adds}
    others = [one for one in applied if one != name]
    magnitudes = bool(others) and sum(size > 1 for size in sizes[name]) < 2
    return name in applied and not magnitudes


def _weight(graph: Graph, name: str, uses: tuple[int, ...], size: tuple[int, ...], sums: frozenset[int]) -> Weight:
    through_time = len(uses) >= _FEWEST_TURNS and all(graph.depends(later, one) for one, later in pairwise(uses))
    kind = _kind(graph, uses, through_time=through_time)
    behind = kind in {"linear", "convolution", "recurrent"}
    activations = tuple(activation_after(graph, use, sums) if behind else None for use in uses)
    met = {one for one in activations if one is not None}
    return Weight(
        name=name,
        kind=kind,
        uses=uses,
        unit_axis=_unit_axis(graph, uses[0], name, size),
        activations=activations,
        gates=not met <= hidden_activations(graph, met, sums),
        through_time=through_time,
    )


def _kind(graph: Graph, uses: tuple[int, ...], *, through_time: bool) -> LayerKind:
    first = graph.ops[uses[0]]
    if first.kind in LOOKUPS:
        return "embedding"
    cell = first.call is not None and issubclass(graph.calls[first.call].module, (nn.RNNBase, nn.RNNCellBase))
    if through_time or cell or first.kind in RECURRENT:
        return "recurrent"
    if first.kind not in MATMULS:
        return "other"
    return "convolution" if "Conv" in first.kind else "linear"


def _unit_axis(graph: Graph, index: int, name: str, size: tuple[int, ...]) -> int:
    own = layer(graph, index)
    applied = [] if own is None else [one for one in own.parameters if one.name == name and not one.adds]
    turned = bool(applied) and applied[0].turned
    if "Conv" in graph.ops[index].kind:
        return 1 if turned else 0
    return len(size) - 1 if turned else len(size) - 2


def _chain(graph: Graph, found: list[Weight]) -> frozenset[int]:
    """Return the operations on the longest way through the first uses of layers."""
    firsts = {one.uses[0] for one in found if one.kind not in {"embedding", "other"}}
    longest: list[tuple[int, int | None]] = []
    for index in range(len(graph.ops)):
        before = [(longest[source][0], source) for source in graph.data_inputs(index)]
        length, source = max(before, key=lambda pair: pair[0], default=(0, None))
        longest.append((length + (index in firsts), source))
    way: list[int] = []
    at = len(graph.ops) - 1 if graph.ops else None
    while at is not None:
        way.append(at)
        at = longest[at][1]
    return frozenset(way)


def _normed(graph: Graph, index: int) -> bool:
    return any(
        graph.ops[one].kind in NORMS or graph.norm_call(one) not in {None, graph.norm_call(index)}
        for one in _behind(graph, index)
    )


def _behind(graph: Graph, index: int) -> Iterator[int]:
    seen = set()
    stack = list(graph.users[index])
    while stack:
        one = stack.pop()
        if one not in seen:
            seen.add(one)
            yield one
            stack.extend(graph.users[one] if graph.ops[one].kind in _PASSED else ())
