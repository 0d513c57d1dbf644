"""The training loop: one trial, one step after another."""

import math
import time
from collections.abc import Sequence
from typing import Any, Final, Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_
from torch.optim import Optimizer

from trainsense.errors import BatchSourceError, UserCodeError
from trainsense.meter import GradientFigures, Meter, UpdateFigures, steps_per_block
from trainsense.probes.attention import largest_attention_logit
from trainsense.records.outcome import Crashed, CrashReason, Diverged, DivergenceReason, Dropped, Outcome
from trainsense.records.run import Run
from trainsense.records.trace import empty_trace
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench
from trainsense.runners.ending import measure_end, run_of
from trainsense.runners.racing import Race, measure_dropped
from trainsense.runners.score import attention_steps, evaluation_steps
from trainsense.workload.optimizers import build_optimizer
from trainsense.workload.schedule import factors
from trainsense.workload.seeding import derived_seed, random_state_kept, seed_all
from trainsense.workload.user_traceback import described, user_code

MOST_SKIPPED_UPDATES: Final = 30
"""Under a gradient scaler, so many non-finite gradients in a row are a divergence; fewer are its search for a scale."""
_OUT_OF_MEMORY: Final = (MemoryError, torch.OutOfMemoryError)
_DEVICE_ERROR: Final = getattr(torch, "AcceleratorError", torch.OutOfMemoryError)
"""What a kernel failed with, which shows at whatever call comes later; a class of its own since torch 2.8."""
_HOST_MEMORY: Final = "DefaultCPUAllocator"
"""torch tells host memory that ran out by a plain RuntimeError with this in its text."""


class Watcher(Protocol):
    """Looks on while a trial trains, without touching anything."""

    def after_backward(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:
        """See the gradients of a step, before clipping and before the update."""

    def after_update(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:
        """See the parameters after the update of a step; the gradients are still there."""


def run_trial(
    bench: Bench, trial: Trial, *, anew: bool = False, watchers: Sequence[Watcher] = (), block: int | None = None
) -> Run:
    """Train once and return what happened; the global random state is left as it was.

    Figures are read from the device in blocks of steps. Whatever was trained after a divergence, until it was read, is
    thrown away: the run is the same as if every step had been read at once.

    Args:
        bench: the workload on its device.
        trial: how to train.
        anew: read the batch source again instead of replaying it (determinism check).
        watchers: who looks on; with any, every step is read at once, so that they see none past the end.
        block: measurements between two readings, about one a step; None for what suits the device.

    Raises:
        BatchSourceError: the batch source raised; whatever else raises ends the trial as `Crashed`.
    """
    block = 1 if watchers or bench.ranks.count > 1 else block or steps_per_block(bench.device)
    run = _trained(bench, trial, anew=anew, watchers=watchers, block=block)
    short = isinstance(run.outcome, Crashed) and run.outcome.reason == "out-of-memory"
    if short and bench.ranks.mean(float(bench.replays.leave_device())) > 0:
        return _trained(bench, trial, anew=anew, watchers=watchers, block=block)  # with the memory that batches took
    return run


def _trained(bench: Bench, trial: Trial, *, anew: bool, watchers: Sequence[Watcher], block: int) -> Run:
    started = time.perf_counter()
    with random_state_kept():
        training = _Training(bench, trial, anew=anew, watchers=watchers, block=block)
        try:
            with bench.ranks.together():
                outcome = training.outcome()
        except BatchSourceError:
            raise
        except UserCodeError as error:
            outcome = _crashed(error, training.step)
        except (*_OUT_OF_MEMORY, _DEVICE_ERROR) as error:
            memory = isinstance(error, _OUT_OF_MEMORY)
            reason: CrashReason = "out-of-memory" if memory else "exception"
            outcome = Crashed(reason=reason, step=training.step, message=described(error))
        return training.result(outcome, started)


class _Training:
    """A model, its optimizer and its meter, from the first step to the last."""

    def __init__(self, bench: Bench, trial: Trial, *, anew: bool, watchers: Sequence[Watcher], block: int) -> None:
        self.bench, self.trial, self.watchers, self.block = bench, trial, watchers, block
        self.batches = bench.training_batches(trial.seed, anew=anew)
        self.factor = factors(bench.workload, trial)
        self.evaluated = evaluation_steps(trial) if bench.eval_batches and trial.evaluate else frozenset()
        self.attention = attention_steps(trial)
        self.race = Race(trial)
        self.step = 0
        self.skipped = 0
        self.model: nn.Module | None = None
        self.meter: Meter | None = None
        self.initial_loss: float | None = None
        self.ends: dict[str, Any] = {}

    def begin(self) -> None:
        """Build the model, its optimizer and what measures them."""
        workload, trial = self.bench.workload, self.trial
        self.model = self.bench.fresh_model(trial.seed, trial.edits)
        self.optimizer = build_optimizer(workload, self.model, trial.lr, trial.optimizer)
        self.group_lrs = [float(group["lr"]) for group in self.optimizer.param_groups]
        self.scaler = torch.amp.GradScaler(self.bench.device.type, enabled=workload.autocast is torch.float16)
        self.meter = Meter(self.model, trial.steps, self.block, self.bench.ranks)
        self.initial_loss = self.bench.initial_loss(trial.seed, self.model, trial.edits)
        seed_all(derived_seed(trial.seed, "steps"))

    def outcome(self) -> Outcome:
        """Train and return how it ended; what is raised after an unread divergence is a consequence of it."""
        try:
            self.begin()
            return self.run()
        except Exception:
            if (stop := self.settle()) is not None:
                return stop
            raise

    def run(self) -> Outcome:
        """Train to the end, or until it diverges."""
        assert self.model is not None
        assert self.meter is not None
        trial, meter = self.trial, self.meter
        for self.step in range(trial.steps):
            if (stop := self.look(self.model)) is not None:
                return stop
            lr = self.set_lr(self.factor(self.step))
            self.backward(self.model, meter)
            self.scaler.unscale_(self.optimizer)
            for watcher in self.watchers:
                watcher.after_backward(self.step, self.model, self.optimizer)
            norm = meter.gradient_norm()
            meter.keep_gradient(self.step, norm)
            meter.record(self.step, lr=lr)
            if meter.full and (stop := self.settle()) is not None:
                return stop
            if trial.clip_norm is not None:  # by a factor of 1 where the norm is below: the host does not know it
                clip_grads_with_norm_(meter.parameters, trial.clip_norm, norm)
            meter.before_update(self.step)
            with user_code("the step of Workload.optimizer"):
                self.scaler.step(self.optimizer)
            self.scaler.update()
            for watcher in self.watchers:
                watcher.after_update(self.step, self.model, self.optimizer)
            meter.after_update(self.step)
            if meter.full and (stop := self.settle()) is not None:
                return stop
        return self.settle() or self.finish(self.model)

    def settle(self) -> Diverged | None:
        """Read back and record what was measured since the last time; return the first divergence in it."""
        figures = [] if self.meter is None else self.meter.read_back()
        for figure in figures:
            if (stop := self.recorded(figure)) is not None:
                return stop
        return None

    def recorded(self, figure: GradientFigures | UpdateFigures) -> Diverged | None:
        """Record what was measured at a step; return the divergence if it shows one."""
        assert self.meter is not None
        if isinstance(figure, UpdateFigures):
            self.meter.record(figure.step, update_norm=figure.norm, update_ratio=figure.ratio)
            if math.isfinite(figure.norm):
                return None
            return Diverged(reason="non-finite-parameter", step=figure.step, value=figure.norm)
        limit = self.trial.clip_norm
        clipped = limit is not None and figure.norm > limit
        self.meter.record(figure.step, loss=figure.loss, grad_norm=figure.norm, clipped=float(clipped))
        return self.diverged(figure)

    def look(self, model: nn.Module) -> Diverged | Dropped | None:
        """Evaluate whatever is due before this step's update."""
        assert self.meter is not None
        trial, step = self.trial, self.step
        evaluates = step in self.evaluated
        probes = trial.probe_every > 0 and step % trial.probe_every == 0
        if (evaluates or probes) and (stop := self.settle()) is not None:
            return stop
        if evaluates:
            self.meter.record(step, eval_loss=self.bench.eval_loss(model))
        if not probes:
            return None
        probe = self.probe(model, self.meter)
        self.meter.record(step, probe_loss=probe)
        if step and (stop := self.too_high(step, probe, "non-finite-probe")) is not None:
            return stop
        if self.race.lost(step, probe):
            return measure_dropped(self.bench, trial, model, self.ends, step=step, probe_loss=probe)
        return None

    def probe(self, model: nn.Module, meter: Meter) -> float:
        """Return the probe loss; where the attention is due for a look, record its largest logit from the same pass."""
        if self.step not in self.attention:
            return self.bench.probe_loss(model)
        losses: list[float] = []
        logit = largest_attention_logit(model, lambda: losses.append(self.bench.probe_loss(model)))
        if logit is None:
            self.attention = frozenset()  # a model without attention: no more looks
        else:
            meter.record(self.step, attention_logit=logit)
        return losses[0]

    def set_lr(self, factor: float) -> float:
        """Set every parameter group to its own lr times `factor`; return the trial's lr times `factor`."""
        for group, own in zip(self.optimizer.param_groups, self.group_lrs, strict=True):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(own * factor)
            else:
                group["lr"] = own * factor
        return self.trial.lr * factor

    def backward(self, model: nn.Module, meter: Meter) -> None:
        """Accumulate the gradient of this step's batches, and measure their losses, unscaled."""
        accumulate = self.bench.workload.accumulate
        self.optimizer.zero_grad(set_to_none=True)
        for _ in range(accumulate):
            batch = next(self.batches)
            with user_code(f"Workload.loss, step {self.step},"):
                loss = self.bench.loss(model, batch)
                self.scaler.scale(loss / accumulate if accumulate > 1 else loss).backward()  # type: ignore[no-untyped-call]
            meter.add_loss(loss)

    def diverged(self, figure: GradientFigures) -> Diverged | None:
        """Return the divergence if the loss or the gradient left the finite range, or the loss exploded."""
        if (stop := self.too_high(figure.step, figure.loss, "non-finite-loss")) is not None:
            return stop
        if math.isfinite(figure.norm):
            self.skipped = 0
            return None
        self.skipped += 1
        if self.scaler.is_enabled() and self.skipped < MOST_SKIPPED_UPDATES:
            return None
        return Diverged(reason="non-finite-gradient", step=figure.step, value=figure.norm)

    def too_high(self, step: int, loss: float, reason: DivergenceReason) -> Diverged | None:
        """Return the divergence if `loss`, seen at `step`, is not finite or above the trial's limit."""
        if not math.isfinite(loss):
            return Diverged(reason=reason, step=step, value=loss)
        limit = self.trial.stop_loss
        if limit is not None and loss > limit:
            return Diverged(reason="loss-explosion", step=step, value=loss)
        return None

    def finish(self, model: nn.Module) -> Outcome:
        """Measure the trained model."""
        return measure_end(self.bench, self.trial, model, self.ends)

    def result(self, outcome: Outcome, started: float) -> Run:
        """Put the run together."""
        steps = self.trial.steps
        if isinstance(outcome, Diverged | Crashed | Dropped):
            steps = outcome.step + (not isinstance(outcome, Dropped))
        return run_of(
            self.trial,
            empty_trace() if self.meter is None else self.meter.trace(steps),
            outcome,
            initial_loss=self.initial_loss,
            seconds=time.perf_counter() - started,
            figures=self.ends,
        )


def _crashed(error: UserCodeError, step: int) -> Crashed:
    """Return the crash of the user's code, or of memory."""
    cause = error.__cause__
    memory = isinstance(cause, _OUT_OF_MEMORY) or _HOST_MEMORY in str(cause)
    return Crashed(
        reason="out-of-memory" if memory else "exception",
        step=step,
        message=described(cause) if memory and cause is not None else str(error),
        user_traceback=error.user_traceback,
    )
