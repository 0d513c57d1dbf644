"""Parameters whose every way to the loss runs through an operation that is flat, so that autograd gives them zero."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from trainsense.probes.structure import Graph

FLAT: Final = frozenset(["Round", "Floor", "Ceil", "Trunc", "Sign", "Sgn", "Bernoulli", "Normal", "Poisson"])
"""Operations whose derivative autograd defines as zero everywhere: steps, and draws that are not reparameterised.

Checked with torch 2.13: each gives a gradient of exactly zero. (`frac`, `fmod`, `remainder` and fake quantisation do not.)
"""


@dataclass(frozen=True, kw_only=True)
class Block:
    """What stands between a parameter and the loss.

    Attributes:
        kind: kind of the operation.
        op: its position in the graph.
    """

    kind: str
    op: int


def blocked(graph: Graph, names: Iterable[str]) -> Mapping[str, Block]:
    """Return those of the parameters whose every way to the loss runs through a flat operation, with the last such.

    Args:
        graph: what the loss is computed from.
        names: first names of parameters.
    """
    if not graph.ops:
        return {}
    open_: set[int] = set()
    stack = [len(graph.ops) - 1]
    while stack:
        index = stack.pop()
        if index in open_ or graph.ops[index].kind in FLAT:
            continue
        open_.add(index)
        stack.extend(source for source in graph.ops[index].inputs if source is not None)
    flat = [index for index, op in enumerate(graph.ops) if op.kind in FLAT and open_.intersection(graph.users[index])]
    wanted = frozenset(names)
    leaves = {op.parameter: index for index, op in enumerate(graph.ops) if op.parameter in wanted}
    found: dict[str, Block] = {}
    for name, leaf in leaves.items():
        behind = [index for index in flat if graph.depends(index, leaf)]
        if leaf not in open_ and behind:
            found[name] = Block(kind=graph.ops[behind[-1]].kind, op=behind[-1])
    return found
