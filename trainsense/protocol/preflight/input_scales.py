"""The scale of what enters the model, over a few training batches."""

from typing import Final

from trainsense.batches import example_count
from trainsense.probes.input_scales import EntrySums
from trainsense.probes.structure import live_loss
from trainsense.protocol.preflight.interface import Look, Measurement
from trainsense.records.evidence import InputScales

BATCHES: Final = 4
ENOUGH_EXAMPLES: Final = 256
"""For a standard deviation within a few per cent."""
_USUAL: Final = (0.1, 10.0)
"""Scales that nobody wants to know the line of."""


def measure(look: Look, _: None) -> InputScales:
    """Run a few batches through the fresh model and look at what its first layers read."""
    model, sums, examples = look.fresh_model(), EntrySums(), 0
    batches = look.bench.survey_batches[:BATCHES]
    for batch in batches:
        sums.add(live_loss(model, lambda one, batch=batch: look.loss(one, batch)))  # type: ignore[misc]
        examples += example_count(batch)
        if not sums.entries() or examples >= ENOUGH_EXAMPLES:
            break
    entries = sums.entries()
    if any(not _USUAL[0] < one.rms < _USUAL[1] or one.mean > one.std for one in entries):
        sums.locate(live_loss(model, lambda one: look.loss(one, batches[0]), lines=True))
    return InputScales(batches=sums.batches, entries=sums.entries())


MEASUREMENT: Final = Measurement(gives=InputScales, measure=measure)
