"""One look at how a model is put together: one forward and one backward pass of a copy."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from torch import Tensor, nn

from trainsense.probes.architecture.addends import Addends
from trainsense.probes.architecture.batch_norms import batch_norms
from trainsense.probes.architecture.carrying import GradientSizes, carried
from trainsense.probes.architecture.stack import Way, plain_stack
from trainsense.probes.structure import Graph, LiveLoss, Residual, layer, live_loss, post_norm, residuals
from trainsense.probes.structure.kinds import NORMS
from trainsense.records.evidence import NormBatch, PlainStack, ResidualSum
from trainsense.records.location import Location

_OPAQUE: Final = ("Checkpoint", "CompiledFunction", "DifferentiableGraph")
"""Kinds of operations with whole parts of a model inside, by what they contain."""
_FEWEST: Final = 3
"""Layers: of fewer there is nothing between the second and the last."""


class HiddenPartsError(ValueError):
    """Autograd's record does not show how the model is put together."""


@dataclass(frozen=True, kw_only=True)
class Structure:
    """What one look shows.

    Attributes:
        sums: residual sums, in order.
        stack: the plain stack of layers, None where no layer was seen.
        batch_norms: the layers that normalise by the batch's statistics, in order.
    """

    sums: tuple[ResidualSum, ...]
    stack: PlainStack | None
    batch_norms: tuple[NormBatch, ...]


def structure(model: nn.Module, loss: Callable[[nn.Module], Tensor], examples: int) -> Structure:
    """Return how `model` is put together, read off and measured on one loss; the model is left as it was.

    Args:
        model: a model at initialisation, in training mode.
        loss: computes the loss of a batch.
        examples: number of examples in it.

    Raises:
        HiddenPartsError: parts of it do not show.
        TooManyOpsError: the loss takes too many operations.
        Exception: whatever copying the model or the user's loss raises.
    """
    addends = Addends()

    def noted(one: nn.Module) -> Tensor:
        with addends:
            return loss(one)

    live = live_loss(model, noted)
    _refuse_hidden(live)
    graph = live.graph
    found = residuals(graph)
    post = {one.op for one in post_norm(graph, found)}
    positions = {one.op: position for position, one in enumerate(found)}
    sums = tuple(
        replace(_sum(live, one, addends, post=one.op in post), follows=_followed(graph, one, positions))
        for one in found
    )
    way = plain_stack(graph)
    norms = batch_norms(live, examples)
    return Structure(sums=sums, stack=None if way is None else _measured(live, way), batch_norms=norms)


def end_varying(model: nn.Module, loss: Callable[[nn.Module], Tensor]) -> float | None:
    """Return the share of what the last layer reads that differs from example to example; None where it is not seen.

    Args:
        model: a model in training mode; it is left as it was.
        loss: computes the loss of a batch.

    Raises:
        TooManyOpsError: the loss takes too many operations.
        Exception: whatever copying the model or the user's loss raises.
    """
    live = live_loss(model, loss)
    way = plain_stack(live.graph)
    at_last = None if way is None else carried(live, way.layers[-1])
    return at_last.varying if at_last else None


def _refuse_hidden(live: LiveLoss) -> None:
    if not live.nodes:
        msg = "the loss does not depend on anything that is trained"
        raise HiddenPartsError(msg)
    opaque = next((op.kind for op in live.graph.ops if any(part in op.kind for part in _OPAQUE)), None)
    if opaque is not None:
        msg = f"parts of the model run inside {opaque}, where its layers and sums do not show; run it without to have it read"
        raise HiddenPartsError(msg)


def _sum(live: LiveLoss, one: Residual, addends: Addends, *, post: bool) -> ResidualSum:
    graph = live.graph
    op = graph.ops[one.op]
    line = addends.line(op.number)
    sizes = addends.at(op.number)
    swapped = graph.data_inputs(one.op)[0] == one.end
    stream, branch = (None, None) if sizes is None else sizes[::-1] if swapped else sizes
    return ResidualSum(
        location=Location(
            module=next((call.path for call in graph.modules(one.op)), ""),
            file=line[0] if line else "",
            line=line[1] if line else None,
        ),
        branch_end=_last_layer(live, one),
        placement="post-norm" if post else "pre-norm" if one.norm_before else "neither",
        norm_in_branch=any(_is_norm(live, index) for index in one.branch),
        norm_behind=one.normed is not None,
        contribution=branch / stream if stream and branch is not None else None,
    )


def _followed(graph: Graph, one: Residual, positions: Mapping[int, int]) -> int | None:
    """Return the position of the sum that the stream comes from by operations on it alone."""
    index = one.shortcut
    while index not in positions:
        sources = graph.data_inputs(index)
        if len(sources) != 1:
            return None
        index = sources[0]
    return positions[index]


def _is_norm(live: LiveLoss, index: int) -> bool:
    return live.graph.ops[index].kind in NORMS or live.graph.norm_call(index) is not None


def _last_layer(live: LiveLoss, one: Residual) -> str:
    for index in reversed(one.branch):
        own = layer(live.graph, index)
        if own is not None and own.affine:
            return next((applied.name for applied in own.parameters if not applied.adds), "")
    return ""


def _measured(live: LiveLoss, way: Way) -> PlainStack:
    """Return a stack with what it carries; differentiates the loss."""
    stack = PlainStack(
        layers=tuple(_module_of(weight) for weight in way.weights),
        norms=len(way.norms),
        narrowest=min((_features(live, index) for index in way.layers[:-1]), default=0),
    )
    at_last = carried(live, way.layers[-1])
    if len(way.layers) < _FEWEST:
        return replace(stack, last_varying=at_last.varying if at_last else None)
    second, last = way.layers[1], way.layers[-1]
    at_first = carried(live, second)
    read = tuple(live.graph.data_inputs(index)[0] for index in (second, last))
    gradients = GradientSizes(live, read)
    live.loss.backward()  # type: ignore[no-untyped-call]
    return replace(
        stack,
        first_varying=at_first.varying if at_first else None,
        last_varying=at_last.varying if at_last else None,
        first_dimensions=at_first.dimensions if at_first else None,
        last_dimensions=at_last.dimensions if at_last else None,
        gradient_ratio=gradients.ratio(*read),
    )


def _features(live: LiveLoss, index: int) -> int:
    """Return how many numbers a layer gives for each row."""
    return math.prod(live.graph.ops[index].shape[1:])


def _module_of(parameter: str) -> str:
    return parameter.rpartition(".")[0] or parameter
