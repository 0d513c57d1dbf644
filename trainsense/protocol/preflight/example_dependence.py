"""Does one example's output depend on the others: the warmed model in evaluation mode, single examples exchanged."""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from torch import Tensor, nn

from trainsense.batches import is_plain, tensors_of
from trainsense.probes.example_dependence import Spread, spread_along
from trainsense.probes.input_dependence import gradient_from_others
from trainsense.probes.operands import location
from trainsense.probes.outermost import OutermostCall, outermost_calls
from trainsense.probes.row_relations import relation, softmaxes_over_rows
from trainsense.probes.structure import LiveLoss, copied, live_loss
from trainsense.protocol.preflight.interface import Look, Measurement
from trainsense.records.evidence import ExampleDependence

FLOAT_NOISE: Final = 1e-4
"""Relative change of another example's output that needs no reason: half precision and other orders of summing."""
FEWEST: Final = 3
SCANNED_BATCHES: Final = 64
"""As many as are looked through for values that are not finite."""
_NOTHING: Final = ExampleDependence(
    axis=None,
    examples=0,
    exchanged=0,
    change_in_others=0.0,
    change_in_own=0.0,
    relative_change=0.0,
    later_only=False,
    gradient_share=None,
)


def measure(look: Look, _: None) -> ExampleDependence:
    """Exchange single examples of one batch and look at the others' outputs."""
    failed = math.isnan(look.warm_start.loss)
    model = look.fresh_model() if failed else copied(look.warmed)
    batch = look.bench.survey_batches[0]
    gradient = look.bench.seen.needs_gradient

    def loss(one: nn.Module) -> Tensor:
        return look.loss(one, batch)

    def spread(axes: tuple[int, int], examples: int) -> Spread | None:
        return spread_along(model, loss, calls, axes, examples, gradient=gradient)

    calls = outermost_calls(model, loss, gradient=gradient)
    reason = _unseen(calls, outermost_calls(model, loss, gradient=gradient))
    if reason:
        return replace(_NOTHING, unseen=reason)
    axes, examples = _axes(calls)
    found = None if axes is None else spread(axes, examples)
    if axes is None or found is None:
        return replace(_NOTHING, unseen="no output has one row for each of the input's, so they cannot be told apart")
    evidence = replace(_NOTHING, **_numbers(found), axis=axes[0], examples=examples)
    if found.relative <= FLOAT_NOISE:
        return evidence
    live = _live(model, loss)
    reason = relation(model, live, calls, examples) or _ambiguous(look, calls, axes, examples, found, spread)
    over = () if live is None else tuple(location(live, one) for one in softmaxes_over_rows(live, examples))
    if reason == _OTHER_AXIS:
        return replace(evidence, axis=1, relative_change=0.0, change_in_others=0.0)
    share = None if reason else _gradient_share(model, loss, axes, examples)
    return replace(evidence, unseen=reason, softmax_over_batch=over, gradient_share=share)


def _numbers(found: Spread) -> dict[str, Any]:
    return {
        "exchanged": found.exchanged,
        "change_in_others": found.others,
        "change_in_own": found.own,
        "relative_change": found.relative,
        "later_only": found.later_only,
    }


def _unseen(calls: tuple[OutermostCall, ...], again: tuple[OutermostCall, ...]) -> str:
    if not calls:
        return "the loss does not call the model itself, so what enters it and comes back is not seen"
    pairs = [
        pair for one, two in zip(calls, again, strict=False) for pair in zip(one.outputs, two.outputs, strict=False)
    ]
    if not pairs:
        return "the model returns no tensor but a loss"
    if any(one.shape != two.shape or not bool((one == two).all() | one.isnan().any()) for one, two in pairs):
        return "the model gives other outputs for the same inputs and random numbers each time"
    if any(bool(one.isnan().any()) for one, _ in pairs):
        return "the outputs are not numbers"
    return ""


def _axes(calls: tuple[OutermostCall, ...]) -> tuple[tuple[int, int] | None, int]:
    """Return along which axes of inputs and outputs examples seem to lie, and their number."""
    inputs = [tensor for call in calls for _, tensor in call.inputs if not tensor.is_nested]
    outputs = [tensor for call in calls for tensor in call.outputs]
    for axes in ((0, 0), (1, 0), (1, 1)):
        entering = [tensor.shape[axes[0]] for tensor in inputs if tensor.dim() > axes[0]]
        leaving = {tensor.shape[axes[1]] for tensor in outputs if tensor.dim() > axes[1]}
        rows = next((size for size in entering if size in leaving and size >= FEWEST), None)
        if rows is not None:
            return axes, rows
    return None, 0


_OTHER_AXIS: Final = "examples lie along the second axis"


def _ambiguous(
    look: Look,
    calls: tuple[OutermostCall, ...],
    axes: tuple[int, int],
    examples: int,
    found: Spread,
    spread: Callable[[tuple[int, int], int], Spread | None],
) -> str:
    """Return why rows that depend on each other need not be examples; empty if nothing speaks for that."""
    inputs = [tensor for call in calls for _, tensor in call.inputs if is_plain(tensor) and tensor.dim() > 0]
    if axes != (0, 0):
        return "it is not clear which axis the examples lie along"
    deep = [
        tensor for tensor in inputs if tensor.shape[0] == examples and tensor.dim() > (1 if _is_tokens(tensor) else 2)
    ]
    recombined = not deep and _recombined(look)
    if not deep and not recombined and found.later_only:
        return "rows depend on those before them alone, as the steps of one sequence do: whether they are examples is not known"
    if not deep and not recombined and _sizes_vary(look):
        return "batches differ in their number of rows, as sets and graphs do: whether rows are examples is not known"
    for tensor in deep:
        second = tensor.shape[1]
        for output_axis in (1, 0):
            other = spread((1, output_axis), second) if second >= 2 else None
            if other is None or other.relative > FLOAT_NOISE or other.own == 0.0:
                continue
            per_first, per_second = _targets_along(look, examples, second)
            if output_axis == 0 or (per_second and not per_first):
                return _OTHER_AXIS
            if not per_first or per_second:
                return "rows of the second axis are independent, those of the first are not: which are the examples is not known"
    return ""


def _is_tokens(tensor: Tensor) -> bool:
    return not tensor.is_floating_point()


def _targets_along(look: Look, first: int, second: int) -> tuple[bool, bool]:
    """Return whether the batch holds one number for each row of the first axis, and of the second."""
    plain = (tensor for _, tensor in tensors_of(look.bench.survey_batches[0]) if is_plain(tensor))
    shapes = [tuple(tensor.shape) for tensor in plain]
    flat = [shape[0] for shape in shapes if len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)]
    return first in flat, second in flat


def _sizes_vary(look: Look) -> bool:
    sizes = [
        next((tensor.size(0) for _, tensor in tensors_of(one) if tensor.dim() > 0), 0)
        for one in look.bench.survey_batches
    ]
    return len(set(sizes)) > 2


def _recombined(look: Look) -> bool:
    """Return whether a row comes back in another batch with another row after it: the data says that rows are examples."""
    follower: dict[bytes, bytes] = {}
    for batch in look.bench.replays[look.seed].first(SCANNED_BATCHES):
        tensor = next((one for _, one in tensors_of(batch) if one.dim() > 1), None)
        if tensor is None or not is_plain(tensor):
            return False
        rows = [row.numpy().tobytes() for row in tensor.detach().double()]
        for row, after in pairwise(rows):
            if follower.setdefault(row, after) != after:
                return True
    return False


def _live(model: nn.Module, loss: Callable[[nn.Module], Tensor]) -> LiveLoss | None:
    with suppress(Exception):
        return live_loss(model.eval(), loss, lines=True)
    return None


def _gradient_share(
    model: nn.Module, loss: Callable[[nn.Module], Tensor], axes: tuple[int, int], examples: int
) -> float | None:
    with suppress(Exception):
        return gradient_from_others(model, loss, axes, examples)
    return None


MEASUREMENT: Final = Measurement(gives=ExampleDependence, measure=measure)
