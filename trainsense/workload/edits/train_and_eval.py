"""One graph from the traces of a forward in training and in evaluation mode."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import fx


class _DifferentError(Exception):
    """The traces differ by more than a value that `self.training` switches."""


def merged(training: fx.Graph, evaluation: fx.Graph) -> fx.Graph | None:
    """Return one graph that does what each trace does in its mode, None if there is no simple one.

    Where the traces differ by True against False, `self.training` stands instead; by a number against 0, the number
    times `self.training`.
    """
    pairs = dict(zip(training.nodes, evaluation.nodes, strict=False))
    if len(training.nodes) != len(evaluation.nodes):
        return None
    if any((one.op, one.target) != (other.op, other.target) for one, other in pairs.items()):
        return None
    try:
        for one, other in pairs.items():
            place = _Place(graph=training, node=one, pairs=pairs)
            one.args = tuple(_value(*both, place) for both in zip(one.args, other.args, strict=True))
            one.kwargs = {key: _value(value, other.kwargs[key], place) for key, value in one.kwargs.items()}
    except (_DifferentError, ValueError, KeyError):
        return None
    return training


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where arguments are merged: the node that they belong to, and which nodes of the traces are twins."""

    graph: fx.Graph
    node: fx.Node
    pairs: Mapping[fx.Node, fx.Node]


def _value(one: Any, other: Any, place: _Place) -> Any:
    """Return what stands for `one` in training and for `other` in evaluation."""
    if isinstance(one, fx.Node):
        if place.pairs.get(one) is not other:
            raise _DifferentError
        return one
    if isinstance(one, (tuple, list)) and type(one) is type(other):
        return type(one)(_value(*both, place) for both in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return {key: _value(value, other[key], place) for key, value in one.items()}
    if isinstance(one, slice) and isinstance(other, slice):
        ends = ((one.start, other.start), (one.stop, other.stop), (one.step, other.step))
        return slice(*(_value(*both, place) for both in ends))
    if type(one) is type(other) and one == other:
        return one
    return _switched(one, other, place)


def _switched(one: Any, other: Any, place: _Place) -> fx.Node:
    with place.graph.inserting_before(place.node):
        if one is True and other is False:
            return place.graph.create_node("get_attr", "training")
        if isinstance(one, float) and isinstance(other, (int, float)) and other == 0:
            return place.graph.call_function(operator.mul, (one, place.graph.create_node("get_attr", "training")))
    raise _DifferentError
