"""Where in the model and in the user's files something is."""

from collections import deque
from collections.abc import Iterator

from trainsense.probes.structure import Form, Graph, LiveLoss, layer
from trainsense.records.location import Location


def location(live: LiveLoss, op: int, source: int) -> Location:
    """Return where an operation is called, and the module whose layer gives the results of `source`."""
    file, line = live.line(op) or ("", None)
    return Location(module=parameter(live.graph, source).rpartition(".")[0], file=file, line=line)


def parameter(graph: Graph, index: int) -> str:
    """Return the last parameter on the way to an operation."""
    return next((name for one in _behind(graph, index) for name in graph.parameters(one)), "")


def weight_is_normalised(graph: Graph, index: int) -> bool:
    """Return whether the last layer on the way to an operation applies a function of its weight, as cosine scores do."""
    for one in _behind(graph, index):
        own = layer(graph, one)
        if own is not None and own.affine:
            return any(applied.form is Form.FUNCTION for applied in own.parameters)
    return False


def _behind(graph: Graph, index: int) -> Iterator[int]:
    """Yield an operation and those that it is computed from, the nearest first."""
    waiting, seen = deque([index]), {index}
    while waiting:
        one = waiting.popleft()
        yield one
        fresh = [source for source in graph.data_inputs(one) if source not in seen]
        seen.update(fresh)
        waiting.extend(fresh)
