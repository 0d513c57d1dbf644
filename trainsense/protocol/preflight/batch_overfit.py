"""Can one batch be learnt by heart: the warm start, else short trainings on it; and whether its gradient is one."""

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from torch import Tensor, nn
from torch.optim import Optimizer

from trainsense.batches import example_count
from trainsense.probes.inputs import output_spread
from trainsense.probes.modes import probe_mode
from trainsense.probes.operands import location
from trainsense.probes.outermost import distinct_rows, outermost_calls
from trainsense.probes.structure import copied, live_loss
from trainsense.probes.update_direction import UpdateDirection
from trainsense.probes.uphill import EVALUATIONS, maximised_errors, parameter_slopes
from trainsense.protocol.preflight.interface import Look, Measurement
from trainsense.records.evidence import BatchOverfit, OverfitAttempt, Uphill
from trainsense.records.location import Location
from trainsense.runners.overfit import adam, is_learnt, overfit
from trainsense.workload.optimizers import build_optimizer
from trainsense.workload.seeding import seed_all

if TYPE_CHECKING:
    from collections.abc import Callable

LRS: Final = (1e-2, 1e-3)
"""Of Adam: customary, and ten times as much."""
MOST_STEPS: Final = 200
"""For each learning rate; 300 are a whole sweep's."""


def measure(look: Look, direction: UpdateDirection) -> BatchOverfit:
    """See whether the warm start has learnt, else train on the first batch."""
    batch = look.bench.survey_batches[0]
    maximised = _maximised(look, look.fresh_model(), batch)
    uphill = () if maximised else _uphill(look, look.fresh_model(), batch)
    learnt_by = _learnt_by_warm_start(look)
    attempts: tuple[OverfitAttempt, ...] = ()
    if not (learnt_by or maximised or uphill):
        look.free_memory()
        attempts = _attempts(look, batch)
        learnt = next((one for one in attempts if one.learnt), None)
        learnt_by = "" if learnt is None else f"{learnt.optimizer} at lr {learnt.lr:.3g} in {learnt.steps} steps"
    return BatchOverfit(
        examples=example_count(batch),
        distinct=_distinct(look, look.fresh_model(), batch) if attempts else example_count(batch),
        parameters=look.bench.seen.parameters,
        output_spread=_spread(look, batch) if attempts else None,
        attempts=attempts,
        learnt_by=learnt_by,
        uphill=uphill,
        maximised=maximised,
        update_cosine=direction.cosine,
    )


def _learnt_by_warm_start(look: Look) -> str:
    warm = look.warm_start
    if warm.failed or warm.constant_loss is None or not math.isfinite(warm.loss):
        return ""
    learnt = is_learnt(warm.initial_loss, warm.loss, warm.constant_loss - warm.loss)
    return f"the first {warm.steps} steps at lr {warm.lr:.3g}" if learnt else ""


def _attempts(look: Look, batch: Any) -> tuple[OverfitAttempt, ...]:
    bench, found = look.bench, list[OverfitAttempt]()

    def yours(model: nn.Module, lr: float) -> Optimizer:
        return build_optimizer(bench.workload, model, lr, None)

    settings: list[tuple[Callable[[nn.Module, float], Optimizer], float]] = [(adam, lr) for lr in LRS]
    settings.append((yours, look.warm_start.lr))
    most = min(look.most_steps, look.repeats(3 * look.seconds))
    for index, (make, lr) in enumerate(settings):
        share = (most - sum(one.steps for one in found)) / (len(settings) - index)
        steps = int(min(MOST_STEPS, max(0.0, share)))
        seed_all(look.seed)
        found.append(overfit(bench, look.fresh_model(), batch, make, lr, steps))
        if found[-1].learnt:
            break
    return tuple(found)


def _spread(look: Look, batch: Any) -> float | None:
    found: list[float] = []
    for model in (look.fresh_model(), copied(look.warmed)):
        with suppress(Exception), probe_mode(model, example_count(batch), gradient=look.bench.seen.needs_gradient):
            spread = output_spread(model, lambda one, model=model: look.loss(model, one), [batch])  # type: ignore[misc]
            found += [spread] if spread is not None and math.isfinite(spread) else []
    return max(found, default=None)


def _distinct(look: Look, model: nn.Module, batch: Any) -> int:
    with suppress(Exception):
        gradient = look.bench.seen.needs_gradient
        calls = outermost_calls(model, lambda one: look.loss(one, batch), gradient=gradient)
        return distinct_rows(calls, example_count(batch))
    return example_count(batch)


def _maximised(look: Look, model: nn.Module, batch: Any) -> tuple[Location, ...]:
    with suppress(Exception):
        live = live_loss(model, lambda one: look.loss(one, batch), lines=True)
        return tuple(location(live, index) for index in maximised_errors(live))
    return ()


def _uphill(look: Look, model: nn.Module, batch: Any) -> tuple[Uphill, ...]:
    examples = example_count(batch)

    def loss(one: nn.Module) -> Tensor:
        with probe_mode(one, examples, gradient=True):
            return look.loss(one, batch)

    with suppress(Exception):
        slopes = parameter_slopes(model, loss, look.repeats(look.seconds / EVALUATIONS))
        return tuple(Uphill(location=Location(module=name), slope=slope) for name, slope in slopes.items() if slope < 0)
    return ()


MEASUREMENT: Final = Measurement(gives=BatchOverfit, measure=measure, watch=lambda _: UpdateDirection())
