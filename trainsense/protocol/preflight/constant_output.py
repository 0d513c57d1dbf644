"""Can the outputs differ from example to example: what lets nothing through, and whether anything gets a gradient."""

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import nn

from trainsense.probes.flat_operations import flat_operations, is_blocked
from trainsense.probes.operands import location
from trainsense.probes.outermost import outermost_calls, rows_differ
from trainsense.probes.structure import copied, live_loss
from trainsense.protocol.preflight.interface import Look, Measurement
from trainsense.records.evidence import ConstantOutput, FlatOperation

BATCHES: Final = 2


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What was seen of one batch on the fresh model."""

    operations: tuple[FlatOperation, ...]
    blocked: bool
    gradient_norm: float


def measure(look: Look, _: None) -> ConstantOutput:
    """Look at a few batches, on the fresh model and on the warmed one."""
    model = look.fresh_model()
    batches = look.bench.survey_batches[:BATCHES]
    seen = [_seen(look, model, batch) for batch in batches]
    spreads = [_spread(look, one, batch) for one in _models(look, model) for batch in batches]
    kinds = [{(one.location, one.kind) for one in entry.operations} for entry in seen]
    return ConstantOutput(
        operations=tuple(
            one for one in seen[0].operations if all((one.location, one.kind) in entry for entry in kinds)
        ),
        blocked=all(one.blocked for one in seen),
        gradient_norm=max(one.gradient_norm for one in seen),
        output_spread=max((one for one, _ in spreads if one is not None), default=None),
        inputs_differ=any(differ for _, differ in spreads),
        batches=len(seen),
    )


def _models(look: Look, fresh: nn.Module) -> list[nn.Module]:
    return [fresh] if math.isnan(look.warm_start.loss) else [fresh, copied(look.warmed)]


def _seen(look: Look, model: nn.Module, batch: Any) -> _Seen:
    live = live_loss(model, lambda one: look.loss(one, batch))
    flat = flat_operations(live)
    if flat:  # once more, with the lines of the user's code, which cost time
        del live
        live = live_loss(model, lambda one: look.loss(one, batch), lines=True)
        flat = flat_operations(live)
    operations = tuple(
        FlatOperation(
            location=location(live, one.op),
            flattening=one.flattening,
            kind=live.graph.ops[one.op].kind,
            shape=live.graph.ops[one.op].shape,
        )
        for one in flat
    )
    blocked = is_blocked(live.graph, flat)
    live.loss.backward()  # type: ignore[no-untyped-call]
    norms = [parameter.grad.double().norm() for parameter in live.model.parameters() if parameter.grad is not None]
    return _Seen(
        operations=operations,
        blocked=blocked,
        gradient_norm=float(torch.stack(norms).norm()) if norms else 0.0,
    )


def _spread(look: Look, model: nn.Module, batch: Any) -> tuple[float | None, bool]:
    """Return how far outputs differ across examples, over their size, and whether inputs do."""
    gradient = look.bench.seen.needs_gradient
    with suppress(Exception):
        calls = outermost_calls(model, lambda one: look.loss(one, batch), gradient=gradient)
        outputs = [one.double() for call in calls for one in call.outputs if one.shape[0] > 1]
        scales = [(one.std(0, unbiased=False).square().mean().sqrt(), one.square().mean().sqrt()) for one in outputs]
        relative = [float(spread / scale) if float(scale) > 0 else 0.0 for spread, scale in scales]
        return max(relative, default=None), rows_differ(calls)
    return None, False


MEASUREMENT: Final = Measurement(gives=ConstantOutput, measure=measure)
