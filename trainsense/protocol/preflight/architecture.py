"""How the model is put together: one look at its first loss."""

from typing import Any, Final

from trainsense.batches import example_count
from trainsense.probes.architecture import structure
from trainsense.protocol.preflight.interface import Look, Measurement
from trainsense.records.evidence import Architecture
from trainsense.workload.schedule import own_warmup_steps


def _measure(look: Look, _: object) -> Architecture:
    batch = _typical(look.bench.survey_batches)
    seen = structure(look.fresh_model(), lambda model: look.loss(model, batch), example_count(batch))
    return Architecture(
        sums=seen.sums,
        stack=seen.stack,
        batch_norms=seen.batch_norms,
        warmup_steps=own_warmup_steps(look.bench.workload),
    )


def _typical(batches: tuple[Any, ...]) -> Any:
    """Return a batch with the median number of examples: the last of an epoch may be small."""
    return sorted(batches, key=example_count)[len(batches) // 2]


MEASUREMENT: Final = Measurement(gives=Architecture, measure=_measure)
