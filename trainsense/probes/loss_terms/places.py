"""Where in the model and in the user's files something is."""

from trainsense.probes.structure import Graph, LiveLoss
from trainsense.records.location import Location


def location(live: LiveLoss, op: int, source: int) -> Location:
    """Return where an operation is called, and the module whose layer gives the results of `source`."""
    file, line = live.line(op) or ("", None)
    return Location(module=parameter(live.graph, source).rpartition(".")[0], file=file, line=line)


def parameter(graph: Graph, index: int) -> str:
    """Return the last parameter on the way to an operation."""
    seen: set[int] = set()
    waiting = [index]
    for one in waiting:
        name = next(graph.parameters(one), "")
        if name:
            return name
        for source in graph.data_inputs(one):
            if source not in seen:
                seen.add(source)
                waiting.append(source)
    return ""
