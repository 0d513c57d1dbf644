"""How strongly weight decay and penalties pull, beside what the data asks for; and what the former costs."""

import math
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any, Final

from torch import Tensor, nn
from torch.optim import Optimizer

from trainsense.batches import cloned, map_tensors
from trainsense.probes.parameters import parameter_groups
from trainsense.probes.regularization import DecayWatch, Penalty, Scalars, is_decoupled, penalty
from trainsense.probes.structure import LiveLoss, TooManyOpsError, live_loss
from trainsense.protocol.preflight.interface import Look, Measurement
from trainsense.records.evidence import Pull, RegularizationCheck
from trainsense.records.outcome import Completed
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench
from trainsense.runners.sequential import run_trial
from trainsense.workload.optimizers import build_optimizer
from trainsense.workload.seeding import derived_seed, random_state_kept, seed_all

_SEEN_LR: Final = 0.1
"""Learning rate at which a step of weight decay alone is looked at: large, so that rounding does not hide it."""
_TRIED_FROM: Final = 1.0
"""Weight decay that pulls more than the data, in the median step or at first, is tried against none."""
_OTHER_SCALE: Final = 1.37
"""Factor on the floating-point tensors of a batch that gives other data: what changes with it is no penalty."""
_SAME: Final = 1e-6


class _Watcher:
    """Looks on during the warm start; what it cannot look at is raised when its figures are asked for."""

    def __init__(self, bench: Bench) -> None:
        self._watch = DecayWatch(bench.workload.clip_norm)
        self._error: Exception | None = None

    def after_backward(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:
        """See gradients and weights before the update."""
        self._looking(self._watch.after_backward, step, model, optimizer)

    def after_update(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:
        """See the weights after it."""
        self._looking(self._watch.after_update, step, model, optimizer)

    def watched(self) -> DecayWatch:
        """Return what was seen."""
        if self._error is not None:
            raise self._error
        return self._watch

    def _looking(self, look: Callable[[int, nn.Module, Optimizer], None], *args: Any) -> None:
        if self._error is None:
            try:
                look(*args)
            except Exception as error:  # noqa: BLE001 - the training that is watched goes on
                self._error = error


def _measure(look: Look, watcher: _Watcher) -> RegularizationCheck:
    decay = _decay(look, watcher.watched())
    first, last = _penalties(look)
    start = look.warm_start
    trivial = start.constant_loss
    scale = abs(start.initial_loss - (0.0 if first is None else first[0].value))
    if trivial is not None and math.isfinite(trivial):
        scale = max(scale, abs(trivial - (0.0 if last is None else last.value)))
    pulls = [decay] if decay is not None else []
    if first is not None:
        pulls.append(_penalty_pull(*first, last))
    strong = decay is not None and max(_opening(decay), _typical(decay)) > _TRIED_FROM
    return RegularizationCheck(
        pulls=tuple(pulls),
        loss_scale=scale,
        initial_loss=start.initial_loss,
        loss=start.loss if not start.failed else math.nan,
        loss_without=_loss_without_decay(look) if strong else None,
    )


def _decay(look: Look, watch: DecayWatch) -> Pull | None:
    sums = watch.sums
    if not sums.size:
        return None
    model = look.fresh_model()
    decoupled = is_decoupled(model, build_optimizer(look.bench.workload, model, _SEEN_LR, None))
    pulls, against = (sums.step_pull, sums.step) if decoupled else (sums.gradient_pull, sums.gradient)
    ratios = tuple(pull / one for pull, one in zip(pulls, against, strict=True) if one > 0 and pull > 0)
    return Pull(
        kind="decoupled" if decoupled else "coupled",
        coefficient=sums.coefficient,
        ratios=ratios,
        value=None if decoupled else sums.value,
        start_norm=sums.norms[0],
        end_norm=watch.end_norm(),
        share=sums.size / max(1, sums.trainable),
    )


def _opening(pull: Pull) -> float:
    return median(pull.ratios[:5]) if pull.ratios else 0.0


def _typical(pull: Pull) -> float:
    return median(pull.ratios) if pull.ratios else 0.0


def _loss_without_decay(look: Look) -> float | None:
    """Return the loss after the same warm start without weight decay, None if it fails."""
    bench = replace(look.bench, workload=replace(look.bench.workload, optimizer=_without_decay(look.bench)))
    trained: list[nn.Module] = []

    class _Last:
        def after_backward(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:
            pass

        def after_update(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:  # noqa: ARG002
            trained[:] = [model]

    trial = Trial(
        lr=look.warm_start.lr,
        seed=look.seed,
        steps=max(1, look.warm_start.steps) if not look.warm_start.failed else _STEPS_AFTER_FAILURE,
        clip_norm=bench.workload.clip_norm,
        evaluate=False,
    )
    run = run_trial(bench, trial, watchers=(_Last(),))
    return bench.probe_loss(trained[0]) if isinstance(run.outcome, Completed) and trained else None


_STEPS_AFTER_FAILURE: Final = 30


def _without_decay(bench: Bench) -> Callable[[nn.Module, float], Optimizer]:
    own = bench.workload.optimizer

    def build(model: nn.Module, lr: float) -> Optimizer:
        optimizer = own(model, lr)
        for group in parameter_groups(optimizer):
            if "weight_decay" in group:
                group["weight_decay"] = 0.0
        return optimizer

    return build


def _penalties(look: Look) -> tuple[tuple[Penalty, LiveLoss] | None, Penalty | None]:
    """Return the penalties of the fresh model's loss, and of the loss after the warm start."""
    batch = look.bench.survey_batches[0]
    fresh = look.fresh_model()
    first = _penalty(look, fresh, batch, lines=True)
    if first is None:
        return None, None
    other = map_tensors(batch, lambda one: one * _OTHER_SCALE if one.is_floating_point() else one, lambda one: one)
    beside = _penalty(look, fresh, other)
    same = beside is not None and abs(beside[0].value - first[0].value) <= _SAME * abs(first[0].value)
    if not same:
        return None, None
    last = _penalty(look, look.warmed, batch) if math.isfinite(look.warm_start.loss) else None
    return first, None if last is None else last[0]


def _penalty(look: Look, model: nn.Module, batch: Any, *, lines: bool = False) -> tuple[Penalty, LiveLoss] | None:
    scalars = Scalars()

    def loss(one: nn.Module) -> Tensor:
        with random_state_kept(), scalars:
            seed_all(derived_seed(look.seed, "penalty"))
            return look.loss(one, cloned(batch))

    try:
        live = live_loss(model, loss, lines=lines)
    except TooManyOpsError:
        return None
    found = penalty(live, scalars)
    return None if found is None else (found, live)


def _penalty_pull(first: Penalty, live: LiveLoss, last: Penalty | None) -> Pull:
    place = live.line(first.op)
    ratios = [one.pull / one.data for one in (first, last) if one is not None and one.data > 0]
    return Pull(
        kind="penalty",
        coefficient=None,
        ratios=tuple(ratios),
        value=first.value,
        start_norm=first.norm,
        end_norm=math.nan if last is None else last.norm,
        share=first.share,
        inward=first.inward,
        file=place[0] if place else "",
        line=place[1] if place else None,
    )


MEASUREMENT: Final = Measurement(gives=RegularizationCheck, measure=_measure, watch=_Watcher)
"""Needs the warm start: at initialisation alone, a small gradient of the data may be one that is yet to grow."""
