"""How strongly weight decay and penalties pull, beside what the data asks for, and what they cost."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from torch import Tensor, nn
from torch.optim import Optimizer

from trainsense.batches import cloned, map_tensors
from trainsense.probes.parameters import parameter_groups
from trainsense.probes.regularization import DecayWatch, Penalty, Scalars, Term, is_decoupled, penalty, without
from trainsense.probes.structure import LiveLoss, TooManyOpsError, live_loss
from trainsense.protocol.preflight.interface import Look, Measurement
from trainsense.protocol.preflight.watching import Guarded
from trainsense.records.evidence import Pull, RegularizationCheck
from trainsense.records.outcome import Completed
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench
from trainsense.runners.sequential import run_trial
from trainsense.runners.warm_start import WARM_STEPS
from trainsense.workload.optimizers import build_optimizer
from trainsense.workload.seeding import derived_seed, random_state_kept, seed_all

_SEEN_LR: Final = 0.1
"""Learning rate at which a step of weight decay alone is looked at: large, so that rounding does not hide it."""
_TRIED_FROM: Final = 0.5
"""Strength from which the warm start is made once more without: below the 1 that is needed for a finding, above the 0.24
that AdamW at 0.1 or SGD at 0.01 reached on small sound nets."""
_SHRUNK: Final = 0.5
"""Weights that lost this much of their norm in the warm start are reason enough as well."""
_INWARD: Final = 0.5
"""Least cosine between a penalty's gradient and the weights: L2 has 1, L1 about 0.8, a sum of norms 0.75, the log
determinant of a flow -1."""
_SHARE: Final = 0.1
"""Least share of the trainable scalars: a learned temperature or loss weight in the loss is no penalty on the model."""
_OTHER_SCALE: Final = 1.37
"""Factor on the floating-point tensors of a batch that gives other data: what changes with it is no penalty."""
_SAME: Final = 1e-6


def _measure(look: Look, watcher: Guarded[DecayWatch]) -> RegularizationCheck:
    first, last = _penalties(look)
    terms = () if first is None else first[0].terms
    decay = _decay(look, watcher.watched())
    pulls = [] if decay is None else [decay]
    if first is not None:
        pulls.append(_penalty_pull(*first, last))
    bench = _unregularised(look.bench, terms)
    start = look.warm_start
    diverged = bool(start.failed) or not math.isfinite(start.loss)
    strong = any(pull.strength > _TRIED_FROM or pull.shrunk < _SHRUNK for pull in pulls)
    loss = math.nan if diverged else bench.probe_loss(look.warmed) if terms else start.loss
    gap = None if diverged or start.constant_loss is None else start.constant_loss - start.loss
    return RegularizationCheck(
        pulls=tuple(pulls),
        steps=start.steps,
        initial_loss=bench.probe_loss(look.fresh_model()) if terms else start.initial_loss,
        constant_loss=None if gap is None else loss + gap,
        loss=loss,
        loss_without=_loss_without(look, bench) if strong else None,
    )


def _decay(look: Look, watch: DecayWatch) -> Pull | None:
    sums = watch.sums
    if not sums.size:
        return None
    model = look.fresh_model()
    decoupled = is_decoupled(model, build_optimizer(look.bench.workload, model, _SEEN_LR, None))
    pulls, against = (sums.step_pull, sums.step) if decoupled else (sums.gradient_pull, sums.gradient)
    return Pull(
        kind="decoupled" if decoupled else "coupled",
        coefficient=sums.coefficient,
        ratios=tuple(pull / one for pull, one in zip(pulls, against, strict=True) if one > 0 and pull > 0),
        value=None if decoupled else sums.value,
        start_norm=sums.norms[0],
        end_norm=watch.end_norm(),
        share=sums.size / max(1, sums.trainable),
    )


def _loss_without(look: Look, bench: Bench) -> float | None:
    """Return the loss after the same warm start without weight decay and penalties, None if it fails."""
    trained: list[nn.Module] = []

    class _Last:
        def after_backward(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:
            pass

        def after_update(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:  # noqa: ARG002
            trained[:] = [model]

    trial = Trial(
        lr=look.warm_start.lr, seed=look.seed, steps=WARM_STEPS, clip_norm=bench.workload.clip_norm, evaluate=False
    )
    run = run_trial(bench, trial, watchers=(_Last(),))
    return bench.probe_loss(trained[0]) if isinstance(run.outcome, Completed) and trained else None


def _unregularised(bench: Bench, terms: Sequence[Term]) -> Bench:
    """Return the bench with a workload that has neither weight decay nor penalties."""
    build, loss = bench.workload.optimizer, bench.workload.loss

    def optimizer(model: nn.Module, lr: float) -> Optimizer:
        built = build(model, lr)
        for group in parameter_groups(built):
            if "weight_decay" in group:
                group["weight_decay"] = 0.0
        return built

    def data_loss(model: nn.Module, batch: Any) -> Tensor:
        return without(lambda: loss(model, batch), terms)

    changed = replace(bench.workload, optimizer=optimizer, loss=data_loss if terms else loss)
    return replace(bench, workload=changed, initial_losses={})


def _penalties(look: Look) -> tuple[tuple[Penalty, LiveLoss] | None, Penalty | None]:
    """Return the penalties of the fresh model's loss, and of the loss after the warm start."""
    batch = look.bench.survey_batches[0]
    fresh = look.fresh_model()
    first = _penalty(look, fresh, batch, lines=True)
    if first is None or first[0].inward < _INWARD or first[0].share < _SHARE:
        return None, None
    other = map_tensors(batch, lambda one: one * _OTHER_SCALE if one.is_floating_point() else one, lambda one: one)
    beside = _penalty(look, fresh, other)
    if beside is None or abs(beside[0].value - first[0].value) > _SAME * abs(first[0].value):
        return None, None
    last = _penalty(look, look.warmed, batch) if math.isfinite(look.warm_start.loss) else None
    return first, None if last is None else last[0]


def _penalty(look: Look, model: nn.Module, batch: Any, *, lines: bool = False) -> tuple[Penalty, LiveLoss] | None:
    scalars = Scalars()

    def loss(one: nn.Module) -> Tensor:
        nonlocal scalars
        scalars = Scalars()
        with random_state_kept():
            seed_all(derived_seed(look.seed, "penalty"))
            usable = cloned(batch)
            with scalars:
                return look.bench.loss(one, usable)

    try:
        live = live_loss(model, loss, lines=lines)
    except TooManyOpsError:
        return None
    found = penalty(live, scalars)
    return None if found is None else (found, live)


def _penalty_pull(first: Penalty, live: LiveLoss, last: Penalty | None) -> Pull:
    place = live.line(first.op)
    return Pull(
        kind="penalty",
        coefficient=None,
        ratios=tuple(one.pull / one.data for one in (first, last) if one is not None and one.data > 0),
        value=first.value,
        start_norm=first.norm,
        end_norm=math.nan if last is None else last.norm,
        share=first.share,
        file=place[0] if place else "",
        line=place[1] if place else None,
    )


MEASUREMENT: Final = Measurement(
    gives=RegularizationCheck, measure=_measure, watch=lambda bench: Guarded(DecayWatch(bench.workload.clip_norm))
)
"""Needs the warm start: at initialisation alone, a small gradient of the data may be one that is yet to grow."""
