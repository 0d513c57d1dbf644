"""Do the outputs depend on the inputs: the warmed model on inputs and on exchanged inputs."""

import math
from contextlib import suppress
from typing import Final

from torch import nn

from trainsense.probes.input_dependence import input_gradient, largest_output_change
from trainsense.probes.outermost import OutermostCall, outermost_calls, rows_differ
from trainsense.probes.structure import copied
from trainsense.protocol.preflight.interface import Look, Measurement
from trainsense.records.evidence import InputDependence

BATCHES: Final = 2
ENOUGH: Final = 1e-3
"""A change beyond doubt: no more batches are looked at."""


def measure(look: Look, _: None) -> InputDependence:
    """Exchange the inputs and compare the outputs, until they move."""
    model = copied(look.warmed)
    gradient = look.bench.seen.needs_gradient
    batches = look.bench.survey_batches[:BATCHES]
    calls = [outermost_calls(model, lambda one, b=b: look.loss(one, b), gradient=gradient) for b in batches]  # type: ignore[misc]
    reason = _unseen(look, calls)
    if reason:
        return InputDependence(exchanges=0, largest_change=0.0, input_gradient=None, batches=0, unseen=reason)
    largest, made = 0.0, 0
    for index, batch in enumerate(batches):
        change, exchanges = largest_output_change(
            model,
            lambda one, batch=batch: look.loss(one, batch),  # type: ignore[misc]
            calls[index],
            calls[index - 1],
            gradient=gradient,
        )
        largest, made = max(largest, change), made + exchanges
        if largest > ENOUGH:
            break
    return InputDependence(
        exchanges=made,
        largest_change=largest,
        input_gradient=None if largest > ENOUGH else _input_gradient(look, model),
        batches=len(batches),
        unseen="" if made else "exchanged inputs did not run through the model",
    )


def _unseen(look: Look, calls: list[tuple[OutermostCall, ...]]) -> str:
    if not calls[0]:
        return "the loss does not call the model itself, so what enters it and comes back is not seen"
    if not any(call.inputs for call in calls[0]):
        return "the model is given no tensor"
    if not any(call.outputs for call in calls[0]):
        return "the model returns no tensor but a loss"
    if not rows_differ(calls[0]):
        return "the inputs of the examples in a batch are all the same"
    if math.isnan(look.warm_start.loss):
        return "training failed within its first steps, so there is no trained model to look at"
    return ""


def _input_gradient(look: Look, model: nn.Module) -> float | None:
    with suppress(Exception):
        return input_gradient(model, lambda one: look.loss(one, look.bench.survey_batches[0]))
    return None


MEASUREMENT: Final = Measurement(gives=InputDependence, measure=measure)
