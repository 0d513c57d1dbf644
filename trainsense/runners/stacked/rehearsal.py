"""A few steps of a stack beside the same steps of the loop: do they agree, and which is faster."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim import Optimizer

from trainsense.records.run import Run
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench
from trainsense.runners.sequential import run_trial
from trainsense.runners.stacked.refusal import UnstackableError
from trainsense.runners.stacked.training import Stack
from trainsense.workload.seeding import random_state_kept

STEPS: Final = 8
"""Steps of a rehearsal …"""
WARM_STEPS: Final = 2
"""… of which the first are not timed where there are more: kernels are chosen and memory is taken …"""
COMPARED_STEPS: Final = 5
"""… and so many of which are compared."""
SAME_FIGURES: Final = 1e-5
"""Relative difference of losses and gradient norms in single precision: sums in another order stay a hundred times below."""
OF_A_NUDGE: Final = 10.0
"""Near the edge of stability any difference grows: more than `SAME_FIGURES` is allowed up to so many times the difference that
one unit in the last place of the initial weights makes."""
CLEARLY: Final = 0.7
"""A stack whose first steps are this share as fast as they have to be, or less, is given up at once."""
ROUNDINGS: Final = 2.0
"""Units of the last place by which losses may differ under autocast, once they agree without it."""


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """How it went.

    Attributes:
        trials: how many were stacked.
        speedup: time of their steps one after another over that of the stack's.
    """

    trials: int
    speedup: float


def rehearsed(bench: Bench, trials: Sequence[Trial], least_speedup: float, *, compiled: bool = False) -> Rehearsal:
    """Train the first steps of `trials` together and those of two of them alone.

    Args:
        bench: the workload on its device.
        trials: alike in all but seed, lr, schedule, warmup, clipping and `stop_loss`.
        least_speedup: where the stack is clearly not so many times as fast, nothing is compared.
        compiled: whether torch compiles the losses; that is done in the first step, which is not timed.

    Raises:
        UnstackableError: they cannot be stacked, or the figures differ.
        UserCodeError: the user's code raised on the stack.
    """
    short = [_shortened(trial) for trial in trials]
    middle, other = (short[index] for index in _compared(short))
    clock = _Clock(bench.device)
    alone = run_trial(bench, middle, watchers=[clock])
    one_by_one = len(trials) * clock.step_seconds()
    longest = one_by_one / (CLEARLY * least_speedup) if least_speedup else math.inf
    runs, step_seconds = _stacked(bench, short, longest, compiled=compiled)
    if runs:
        _agree(bench, alone, runs, _tolerance(bench))
        _agree(bench, run_trial(bench, other), runs, _tolerance(bench))
        if bench.workload.autocast is not None:  # rounding hides what is wrong
            plain = replace(bench, workload=replace(bench.workload, autocast=None), initial_losses={})
            _agree(
                plain, run_trial(plain, middle), _stacked(plain, short, math.inf, compiled=compiled)[0], SAME_FIGURES
            )
    return Rehearsal(trials=len(trials), speedup=one_by_one / step_seconds)


def _agree(bench: Bench, alone: Run, runs: Mapping[str, Run], tolerance: float) -> None:
    """Raise `UnstackableError` unless a trial's figures are those of the loop."""
    difference = _difference(alone, runs[alone.trial.content()])
    if (difference <= tolerance).all():
        return
    nudged = _difference(alone, run_trial(_nudged(bench), alone.trial))[: len(difference)]
    allowed = np.full(len(difference), tolerance)
    allowed[: len(nudged)] = np.maximum(tolerance, OF_A_NUDGE * np.maximum.accumulate(nudged))
    for step, (found, most) in enumerate(zip(difference, allowed, strict=True)):
        if not found <= most:
            msg = f"its losses and gradients differ from the loop's by a share of {found:.1e} at step {step}"
            raise UnstackableError(msg)


def _stacked(bench: Bench, trials: Sequence[Trial], longest: float, *, compiled: bool) -> tuple[dict[str, Run], float]:
    """Return the runs by their trial's content, none if a step takes clearly too long, and the time of a step."""
    clock = _Clock(bench.device)
    runs: dict[str, Run] = {}
    with random_state_kept():
        stack = Stack(bench, trials, block=1, compiled=compiled)
        while stack.training:
            runs |= {run.trial.content(): run for run in stack.advance()}
            clock.tick()
            if stack.step == WARM_STEPS and clock.step_seconds() > longest:
                return {}, clock.step_seconds()
        runs |= {run.trial.content(): run for run in stack.unmeasured()}
    return runs, clock.step_seconds()


class _Clock:
    """Times steps: a watcher of the loop."""

    def __init__(self, device: torch.device) -> None:
        alone = device.type == "cpu" and torch.get_num_threads() == 1
        self._now: Callable[[], float] = (
            time.process_time if alone else time.perf_counter
        )  # a busy machine slows neither
        self._last = self._now()
        self._seconds: list[float] = []

    def tick(self) -> None:
        """Note the end of a step."""
        now = self._now()
        self._seconds.append(now - self._last)
        self._last = now

    def after_backward(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:
        """Do nothing."""

    def after_update(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:  # noqa: ARG002
        """Note the end of a step."""
        self.tick()

    def step_seconds(self) -> float:
        """Return the time of an undisturbed step; the first follows the set-up, and counts for nothing."""
        timed = self._seconds[WARM_STEPS:] or self._seconds[1:]
        return max(min(timed, default=math.inf), 1e-9)


def _shortened(trial: Trial) -> Trial:
    """Return the trial's first steps as a trial: its warmup and schedule are compressed."""
    return replace(trial, steps=STEPS, warmup_steps=min(trial.warmup_steps, STEPS // 2), evaluate=False, eval_every=0)


def _compared(trials: Sequence[Trial]) -> list[int]:
    """Return the trial in the middle of the learning rates, and one that differs from it in more, or else the lowest."""
    order = sorted(range(len(trials)), key=lambda index: trials[index].lr)
    middle = order[len(order) // 2]

    def kind(trial: Trial) -> tuple[object, ...]:
        return trial.seed, trial.schedule, trial.warmup_steps > 0, trial.clip_norm is None

    others = [index for index in order if kind(trials[index]) != kind(trials[middle])]
    return [middle, (others or order)[0]]


def _tolerance(bench: Bench) -> float:
    if bench.workload.autocast is not None:
        return ROUNDINGS * torch.finfo(bench.workload.autocast).eps
    if bench.device.type == "cuda" and _multiplies_in_tf32():
        return 2.0**-10  # its ten bits
    return SAME_FIGURES


def _multiplies_in_tf32() -> bool:
    """Return whether the user lets CUDA multiply in TF32; torch raises where the older way to ask meets the newer way to set."""
    precision = getattr(torch.backends.cuda.matmul, "fp32_precision", None)
    return bool(torch.backends.cuda.matmul.allow_tf32) if precision is None else precision == "tf32"


def _difference(one: Run, other: Run) -> NDArray[np.float64]:
    """Return the larger relative difference of loss and gradient norm at each compared step."""
    length = min(len(one.trace), len(other.trace), COMPARED_STEPS)
    found = np.zeros(length)
    for name in ("loss", "grad_norm"):
        left, right = (getattr(run.trace, name)[:length] for run in (one, other))
        with np.errstate(invalid="ignore", divide="ignore"):
            relative = np.abs(left - right) / np.maximum(np.abs(left), np.abs(right))
        found = np.maximum(found, np.where((left == right) | (np.isnan(left) & np.isnan(right)), 0.0, relative))
    return found


def _nudged(bench: Bench) -> Bench:
    """Return a bench whose models start one unit in the last place away."""
    build = bench.workload.model

    def nudged() -> nn.Module:
        model = build()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.is_floating_point():
                    parameter.mul_(1 + torch.finfo(parameter.dtype).eps)
        return model

    return replace(bench, workload=replace(bench.workload, model=nudged), initial_losses={})
