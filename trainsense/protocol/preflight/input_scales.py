"""The scale of what enters the model, over a few training batches."""

from typing import Final

from trainsense.probes.input_scales import EntrySums
from trainsense.probes.structure import live_loss
from trainsense.protocol.preflight.interface import Look, Measurement
from trainsense.records.evidence import InputScales

BATCHES: Final = 4
"""Enough rows for a standard deviation within a few per cent."""


def measure(look: Look, _: None) -> InputScales:
    """Run a few batches through the fresh model and look at what its first layers read."""
    model, sums = look.fresh_model(), EntrySums()
    for batch in look.bench.survey_batches[:BATCHES]:
        sums.add(live_loss(model, lambda one, batch=batch: look.loss(one, batch), lines=sums.batches == 0))  # type: ignore[misc]
    return InputScales(batches=sums.batches, entries=sums.entries())


MEASUREMENT: Final = Measurement(gives=InputScales, measure=measure)
