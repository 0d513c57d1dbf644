"""How the model is put together: one look at its first loss."""

from typing import Any, Final

from trainsense.batches import example_count
from trainsense.probes.architecture import HiddenPartsError, end_varying, structure
from trainsense.probes.structure import TooManyOpsError
from trainsense.protocol.preflight.interface import Look, Measurement
from trainsense.records.evidence import Architecture, Missing
from trainsense.workload.optimizers import build_optimizer
from trainsense.workload.schedule import own_warmup_steps


def _measure(look: Look, _: object) -> Architecture | Missing:
    workload, batch = look.bench.workload, _typical(look.bench.survey_batches)
    model = look.fresh_model()
    optimizer = build_optimizer(workload, model, look.warm_start.lr, None)
    try:
        seen = structure(model, lambda one: look.loss(one, batch), example_count(batch))
    except (HiddenPartsError, TooManyOpsError) as error:
        return Missing(kind=Architecture.__name__, reason=str(error))
    post = any(one.placement == "post-norm" for one in seen.sums)
    return Architecture(
        sums=seen.sums,
        stack=seen.stack,
        batch_norms=seen.batch_norms,
        warmup_steps=own_warmup_steps(workload),
        adaptive=any("beta" in key or "alpha" in key for group in optimizer.param_groups for key in group),
        warmed_varying=end_varying(look.warmed, lambda one: look.loss(one, batch)) if post else None,
    )


def _typical(batches: tuple[Any, ...]) -> Any:
    """Return a batch with the median number of examples: the last of an epoch may be small."""
    return sorted(batches, key=example_count)[len(batches) // 2]


MEASUREMENT: Final = Measurement(gives=Architecture, measure=_measure)
