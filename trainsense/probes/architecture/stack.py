"""The plain stack: the way through a model that passes the fewest layers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from trainsense.probes.structure import Graph, layer
from trainsense.probes.structure.following import is_written_out_norm
from trainsense.probes.structure.kinds import NORMS


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way through a graph.

    Attributes:
        layers: positions of the linear, convolutional and recurrent layers on it, in order, each weight once.
        weights: the first parameter of each.
        norms: positions of the normalisation layers on it, each by its last operation.
    """

    layers: tuple[int, ...]
    weights: tuple[str, ...]
    norms: tuple[int, ...]


def plain_stack(graph: Graph) -> Way | None:
    """Return the way with the fewest layers between the ends of the one with the most; None without a layer.

    A stack of layers that nothing leads around is on it whole; of what a residual, dense, gated or skip connection leads
    around, nothing is.
    """
    affine = [_weight(graph, index) is not None for index in range(len(graph.ops))]
    ends = _longest(graph, affine)
    if ends is None:
        return None
    ways = list(_shortest(graph, affine, *ends))
    layers: dict[str, int] = {}
    for index in ways:
        weight = _weight(graph, index)
        if weight is not None:
            layers.setdefault(weight, index)
    return Way(layers=tuple(layers.values()), weights=tuple(layers), norms=tuple(_norms(graph, ways)))


def _weight(graph: Graph, index: int) -> str | None:
    own = layer(graph, index)
    if own is None or not own.affine:
        return None
    return next((one.name for one in own.parameters if not one.adds), None)


def _longest(graph: Graph, affine: Sequence[bool]) -> tuple[int, int] | None:
    """Return where the way with the most layers begins, and the last layer on it."""
    length: list[int] = []
    start: list[int] = []
    for index, passed in enumerate(affine):
        before = max(graph.data_inputs(index), key=length.__getitem__, default=None)
        length.append(int(passed) + (0 if before is None else length[before]))
        start.append(index if before is None else start[before])
    end = max((index for index, passed in enumerate(affine) if passed), key=length.__getitem__, default=None)
    return None if end is None else (start[end], end)


def _shortest(graph: Graph, affine: Sequence[bool], start: int, end: int) -> Iterator[int]:
    """Yield the operations of the way from `start` to `end` with the fewest layers, in order."""
    length: dict[int, int] = {start: int(affine[start])}
    before: dict[int, int] = {}
    for index in range(start + 1, end + 1):
        known = [source for source in graph.data_inputs(index) if source in length]
        if known:
            before[index] = min(known, key=length.__getitem__)
            length[index] = length[before[index]] + int(affine[index])
    way = [end]
    while way[-1] in before:
        way.append(before[way[-1]])
    yield from reversed(way)


def _norms(graph: Graph, way: Sequence[int]) -> Iterator[int]:
    """Yield the normalisations on a way, those made of several operations once."""
    last = None
    for index in way:
        call = graph.norm_call(index)
        if call is not None and call == last:
            continue
        last = call
        if call is not None or graph.ops[index].kind in NORMS or is_written_out_norm(graph, index):
            yield index
