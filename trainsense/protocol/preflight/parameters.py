"""What each parameter does: whether the optimizer holds it, what gradient it gets, whether the loss depends on it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from torch import Tensor, nn
from torch.optim import Optimizer

from trainsense.batches import cloned
from trainsense.probes.parameters import Block, ParameterWatch, SeenParameter, blocked, taking_part, unregistered
from trainsense.probes.structure import LiveLoss, TooManyOpsError, live_loss
from trainsense.protocol.preflight.interface import Look, Measurement
from trainsense.protocol.preflight.watching import Guarded
from trainsense.records.evidence import ParameterCheck, ParameterUse
from trainsense.workload.optimizers import build_optimizer
from trainsense.workload.seeding import derived_seed, random_state_kept, seed_all

DRAWS: Final = 3
"""Batches, each with its own random numbers, on which parameters without a gradient are tried."""


def _measure(look: Look, watcher: Guarded[ParameterWatch]) -> ParameterCheck:
    watch = watcher.watched()
    failed = look.warm_start.failed
    if not watch.steps:
        return ParameterCheck(steps=0, parameters=(), failed=failed)
    draws = [_draw(look, number) for number in range(min(DRAWS, len(look.bench.survey_batches)))]
    live = _live(look, draws[0])
    outside = () if live is None else unregistered(live, draws[0], lambda model: _optimizer(look, model))
    uses = [_use(seen) for seen in watch.seen.values()]
    suspects = [seen.name for seen in watch.seen.values() if _is_suspect(seen)]
    if suspects:
        zero = [name for name in suspects if watch.seen[name].gradient == "zero"]
        found = {} if live is None else blocked(live.graph, zero)
        part = _part(look, draws, suspects, zero, found)
        uses = [_tried(use, part, found.get(use.name), live) if use.name in suspects else use for use in uses]
    return ParameterCheck(steps=watch.steps, parameters=tuple(uses), unregistered=outside, failed=failed)


def _is_suspect(seen: SeenParameter) -> bool:
    return seen.trainable and seen.held and seen.gradient != "some" and not seen.moved and seen.size > 0


def _part(
    look: Look,
    draws: Sequence[Callable[[nn.Module], Tensor]],
    suspects: list[str],
    zero: list[str],
    found: Mapping[str, Block],
) -> frozenset[str]:
    finite = math.isfinite(look.warm_start.loss)
    model = look.warmed if finite else look.fresh_model()
    rough = [name for name in suspects if name not in zero or name in found]
    part = taking_part(model, draws, rough) if rough else frozenset()
    smooth = [name for name in zero if name not in found]
    if smooth and look.bench.workload.autocast is None:
        part |= taking_part(model, draws, smooth, smoothly=True)
    return part


def _draw(look: Look, number: int) -> Callable[[nn.Module], Tensor]:
    batch = look.bench.survey_batches[number]

    def loss(model: nn.Module) -> Tensor:
        with random_state_kept():
            seed_all(derived_seed(look.seed, "parameters", number))
            return look.loss(model, cloned(batch))

    return loss


def _live(look: Look, draw: Callable[[nn.Module], Tensor]) -> LiveLoss | None:
    try:
        return live_loss(look.fresh_model(), draw, lines=True)
    except TooManyOpsError:
        return None


def _optimizer(look: Look, model: nn.Module) -> Optimizer:
    return build_optimizer(look.bench.workload, model, look.warm_start.lr, None)


def _use(seen: SeenParameter) -> ParameterUse:
    return ParameterUse(
        name=seen.name,
        module=seen.name.rpartition(".")[0],
        size=seen.size,
        trainable=seen.trainable,
        held=seen.held,
        gradient=seen.gradient,
        moved=seen.moved,
    )


def _tried(use: ParameterUse, part: frozenset[str], block: Block | None, live: LiveLoss | None) -> ParameterUse:
    use = replace(use, takes_part=use.name in part)
    if block is None or live is None:
        return use
    place = live.line(block.op)
    return replace(use, blocked_by=block.kind, file=place[0] if place else "", line=place[1] if place else None)


MEASUREMENT: Final = Measurement(gives=ParameterCheck, measure=_measure, watch=lambda _: Guarded(ParameterWatch()))
"""Needs the warm start: a gradient may come at any of its steps."""
