"""Penalties: terms of a loss that depend on parameters alone, and the gradient that they give."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from trainsense.probes.structure import Graph, LiveLoss
from trainsense.probes.structure.kinds import LEAF, RESHAPES, SUMS

_JOINS: Final = SUMS
"""Where a penalty is added to the rest of the loss."""
_LINEAR: Final = RESHAPES | SUMS | {"Mul", "Div", "Neg", "Sum", "Mean", "Expand"}
"""What the rest of a loss may go through after a penalty was added, scaled by constants."""

_NOT_KEPT: Final = (torch.zeros, Tensor.clone)
"""What the recording of a graph computes itself between the user's operations."""


class Scalars(TorchFunctionMode):
    """While it is entered, keeps every scalar that is computed, in order.

    Attributes:
        tensors: the scalars themselves.
        nodes: autograd's node of each when it was computed, None where it had none.
        values: their values then.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tensors: list[Tensor] = []
        self.nodes: list[Any] = []
        self.values: list[float] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call `func` and keep what it gives, if that is a scalar."""
        result = func(*args, **(kwargs or {}))
        if func not in _NOT_KEPT and isinstance(result, Tensor) and result.dim() == 0 and result.is_floating_point():
            self.tensors.append(result)
            self.nodes.append(result.grad_fn)
            self.values.append(float(result.detach()))
        return result


@dataclass(frozen=True, kw_only=True)
class Term:
    """One penalty as it enters the loss.

    Attributes:
        place: 0-based number of the scalar among all that the loss computes.
        count: number of all of them.
        factor: what it is multiplied by on its way into the loss.
    """

    place: int
    count: int
    factor: float


@dataclass(frozen=True, kw_only=True)
class Penalty:
    """The penalties of one loss, taken together.

    Attributes:
        terms: each of them.
        value: what they add to the loss.
        pull: L2 norm of their gradient over the entries that the rest of the loss gives a gradient.
        data: L2 norm of the rest's gradient over the same parameters.
        norm: L2 norm of the parameters that they pull at.
        share: share of the trainable scalars that they pull at.
        inward: cosine between their gradient and those parameters.
        op: position in the graph of the first of them.
    """

    terms: tuple[Term, ...]
    value: float
    pull: float
    data: float
    norm: float
    share: float
    inward: float
    op: int


def penalty(live: LiveLoss, scalars: Scalars) -> Penalty | None:
    """Return the penalties of a live loss, None if it has none; its graph is used up.

    Args:
        live: a loss, computed while `scalars` were kept.
        scalars: the values on its way.
    """
    places = {node: place for place, node in enumerate(scalars.nodes) if node is not None}
    roots = [root for root in _roots(live.graph) if live.nodes[root] in places]
    if not roots:
        return None
    parameters = [one for one in live.model.parameters() if one.requires_grad]
    whole = torch.autograd.grad(live.loss, parameters, retain_graph=True, allow_unused=True)
    factors: dict[int, float] = {}

    def cut(root: int) -> Callable[[tuple[Tensor | None, ...]], tuple[Tensor | None, ...]]:
        def hook(gradients: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
            factors[root] = sum(float(one.sum()) for one in gradients if one is not None)
            return tuple(None if one is None else torch.zeros_like(one) for one in gradients)

        return hook

    handles = [live.nodes[root].register_prehook(cut(root)) for root in roots]
    try:
        rest = torch.autograd.grad(live.loss, parameters, allow_unused=True)
    finally:
        for handle in handles:
            handle.remove()
    terms = {place: factors[root] for root in roots if root in factors and (place := places[live.nodes[root]]) >= 0}
    return _summed(
        parameters,
        list(zip(whole, rest, strict=True)),
        terms=tuple(Term(place=place, count=len(scalars.nodes), factor=one) for place, one in terms.items()),
        value=sum(one * scalars.values[place] for place, one in terms.items()),
        op=roots[0],
    )


def without(loss: Callable[[], Tensor], terms: Sequence[Term]) -> Tensor:
    """Return a loss less its penalties; with its graph, whatever the gradient mode.

    Args:
        loss: computes it.
        terms: its penalties.

    Raises:
        ValueError: it computed other scalars than when the penalties were found, so that they cannot be told.
    """
    with torch.enable_grad(), Scalars() as scalars:
        value = loss()
    if any(term.count != len(scalars.tensors) for term in terms):
        msg = "the loss is computed in another way than at first"
        raise ValueError(msg)
    for term in terms:
        value = value - term.factor * scalars.tensors[term.place]
    return value


def _summed(
    parameters: list[torch.nn.Parameter],
    gradients: list[tuple[Tensor | None, Tensor | None]],
    *,
    terms: tuple[Term, ...],
    value: float,
    op: int,
) -> Penalty | None:
    size = pull = data = norm = product = total = 0.0
    for parameter, (both, other) in zip(parameters, gradients, strict=True):
        if both is None or both.is_sparse:
            continue
        own = (both - other if other is not None else both).double()
        if not bool(own.any()):
            continue
        weights = parameter.detach().double()
        size += parameter.numel()
        total += float(own.square().sum())
        norm += float(weights.square().sum())
        product += float((own * weights).sum())
        if other is not None:
            pull += float(own[other != 0].square().sum())
            data += float(other.double().square().sum())
    if not size:
        return None
    lengths = math.sqrt(total * norm)
    return Penalty(
        terms=terms,
        value=value,
        pull=math.sqrt(pull),
        data=math.sqrt(data),
        norm=math.sqrt(norm),
        share=size / sum(parameter.numel() for parameter in parameters),
        inward=product / lengths if lengths else 0.0,
        op=op,
    )


def _roots(graph: Graph) -> Iterator[int]:
    """Yield the scalars that depend on parameters alone and are added up into the loss with what depends on data."""
    if not graph.ops or not graph.data[-1]:
        return
    trunk: set[int] = set()
    stack = [len(graph.ops) - 1]
    while stack:
        index = stack.pop()
        if index not in trunk and graph.ops[index].kind in _LINEAR and len(graph.data_inputs(index)) > 0:
            trunk.add(index)
            stack.extend(graph.data_inputs(index))
    for index in sorted(trunk):
        for source in graph.parameter_inputs(index):
            op = graph.ops[source]
            only_there = trunk.issuperset(graph.users[source])
            if graph.ops[index].kind in _JOINS and op.shape == () and op.kind != LEAF and only_there:
                yield source
