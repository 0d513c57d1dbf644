"""Trains a stack of trials, one step of all of them after another."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from trainsense.errors import BatchSourceError
from trainsense.meter import measures_update, steps_per_block
from trainsense.probes.attention import largest_attention_logit
from trainsense.records.outcome import Completed, Diverged, Dropped
from trainsense.records.run import Run
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench
from trainsense.runners.ending import measure_end, run_of
from trainsense.runners.racing import Race, measure_dropped
from trainsense.runners.score import attention_steps, evaluation_steps
from trainsense.runners.stacked.batches import StackedBatches
from trainsense.runners.stacked.build import Parts, built
from trainsense.runners.stacked.record import Figures, Record
from trainsense.workload.seeding import RandomState, derived_seed, random_state_kept, seed_all

PROBED_TOGETHER: Final = 4
"""Where the probe set is evaluated at least every so many steps, it is evaluated for all trials at once."""


class Stack:
    """Trials in training, from the first step to the last.

    Args:
        bench: the workload on its device.
        trials: alike in all but seed, lr, schedule, warmup, clipping and `stop_loss`.
        block: steps between two copies of the figures to the host; None for what suits the device.
        compiled: whether torch compiles the losses. Trials that end then stay in the stack, and are no longer looked at:
            another number of trials would have to be compiled anew.

    Raises:
        UnstackableError: they cannot be stacked.
        UserCodeError: the user's code raised.
    """

    def __init__(
        self, bench: Bench, trials: Sequence[Trial], *, block: int | None = None, compiled: bool = False
    ) -> None:
        self._bench: Final = bench
        self._trials: Final = tuple(trials)
        self._parts: Parts = built(bench, trials, compiled=compiled)
        self._record: Final = Record(trials)
        self._batches: Final = StackedBatches([bench.training_batches(seed) for seed in self._parts.seeds])
        self._keeps_all: Final = compiled
        self._slots = np.arange(len(trials))
        self._rows = np.arange(len(trials))
        self._attention = attention_steps(trials[0])
        self._evaluated = evaluation_steps(trials[0]) if bench.eval_batches and trials[0].evaluate else frozenset()
        self._probe_every: Final = trials[0].probe_every
        self._block: Final = block or steps_per_block(bench.device)
        self._races: Final = [Race(trial) for trial in trials]
        self._seconds = np.zeros(len(trials))
        self.step = 0
        self.left: list[Trial] = []
        seed_all(derived_seed(trials[0].seed, "steps"))
        self._randomness = RandomState.capture() if len(self._parts.seeds) > 1 else None

    @property
    def training(self) -> bool:
        """Whether there is a step to train, and a trial to train it."""
        return len(self._slots) > 0 and self.step < self._trials[0].steps

    def advance(self) -> list[Run]:
        """Evaluate what is due, train a block of steps; return the runs that ended in it."""
        started = time.perf_counter()
        before = self._slots
        runs, ended = self._look()
        if len(self._slots):
            figures = [self._train(self.step + offset) for offset in range(self._steps_to_go())]
            lrs = self._parts.recorded_lrs[self.step : self.step + len(figures), self._slots]
            found = self._record.read_back(self.step, self._slots, self._rows, figures, lrs)
            self._drop(set(found))
            ended |= found
            self.step += len(figures)
        if self._randomness is not None:
            self._parts.check_undrawn(self._randomness)
        self._seconds[before] += (time.perf_counter() - started) / len(before)
        return runs + [self._run(slot, outcome) for slot, outcome in ended.items()]

    def finish(self) -> Iterator[Run]:
        """Measure the trained models; those whose measuring raises are left."""
        for row, slot in zip(self._rows.tolist(), self._slots.tolist(), strict=True):
            started = time.perf_counter()
            run = self._measured(row, slot, measure_end)
            self._seconds[slot] += time.perf_counter() - started
            if run is not None:
                yield replace(run, seconds=float(self._seconds[slot]))
        self._slots, self._rows = self._slots[:0], self._rows[:0]

    def _measured(self, row: int, slot: int, measure: Callable[..., Any]) -> Run | None:
        """Return the run of a trial whose model is measured now; None, and the trial is left, where measuring raises."""
        figures: dict[str, Any] = {}
        try:
            outcome = measure(self._bench, self._trials[slot], self._loaded(row), figures)
        except BatchSourceError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the loop tells it better
            self.left.append(self._trials[slot])
            return None
        return self._run(slot, outcome, figures)

    def unmeasured(self) -> list[Run]:
        """Return the runs of those still in the stack as if they ended here, their models not measured."""
        return [self._run(slot, Completed()) for slot in self._slots.tolist()]

    def _steps_to_go(self) -> int:
        """Return the length of the block that begins now: it ends before anything is evaluated."""
        last = min(self.step + self._block, self._trials[0].steps)
        for step in range(self.step + 1, last):
            if step in self._evaluated or (self._probe_every and step % self._probe_every == 0):
                return step - self.step
        return last - self.step

    def _train(self, step: int) -> Figures:
        """Train one step; return its figures."""
        parts, bench = self._parts, self._bench
        accumulate = bench.workload.accumulate
        total: Tensor | None = None
        for part in range(accumulate):
            batch, tensors = self._batches.next(parts.rows)
            losses, gradients = parts.loss.gradients(bench.loss, parts.weights.leaves, batch, tensors, 1 / accumulate)
            parts.weights.take(gradients, add=part > 0)
            figure = losses.to(parts.wide)
            total = figure if total is None else total + figure
        assert total is not None
        norm = parts.weights.gradient_norm()
        if parts.clip is not None:
            factors = torch.where(norm > parts.clip, (parts.clip / (norm + 1e-6)).clamp(max=1.0), 1.0)
            parts.weights.scale_gradient(factors)
        with torch.no_grad():
            parts.weights.update(step + 1, [one[step] for one in parts.lrs], parts.weight_decays)
        if measures_update(step, self._trials[0].steps):
            weight, change = parts.weights.change_norms()
        else:
            weight = change = torch.full_like(norm, math.nan)
        return total / accumulate, norm, weight, change

    def _look(self) -> tuple[list[Run], dict[int, Diverged]]:
        """Evaluate whatever is due before this step's update; drop and return whose probe loss ends it.

        Returns:
            The runs of those that lost their race, and the divergence of those that diverged, by slot.
        """
        ended: dict[int, Diverged] = {}
        lost: dict[int, tuple[int, float]] = {}
        probed = bool(self._probe_every) and self.step % self._probe_every == 0
        if not probed and self.step not in self._evaluated:
            return [], ended
        seldom = self._probe_every > PROBED_TOGETHER or self.step in self._attention
        together = probed and not seldom and self._parts.loss.evaluates
        probes = self._parts.probe_losses(self._bench) if together else None
        for row, slot in zip(self._rows.tolist(), self._slots.tolist(), strict=True):
            if probes is not None and self.step not in self._evaluated:
                probe = float(probes[row])
            else:
                model = self._loaded(row)
                if self.step in self._evaluated:
                    self._record.write(self.step, slot, eval_loss=self._bench.eval_loss(model))
                if not probed:
                    continue
                probe = self._probe(model, slot) if probes is None else float(probes[row])
            stop = self._record.probed(self.step, slot, probe)
            if stop is not None:
                ended[slot] = stop
            elif self._races[slot].lost(self.step, probe):
                lost[slot] = row, probe
        runs = [self._out_of_race(slot, *place) for slot, place in lost.items()]
        self._drop(set(ended) | set(lost))
        return [run for run in runs if run is not None], ended

    def _out_of_race(self, slot: int, row: int, probe: float) -> Run | None:
        with random_state_kept():
            return self._measured(row, slot, partial(measure_dropped, step=self.step, probe_loss=probe))

    def _probe(self, model: nn.Module, slot: int) -> float:
        """Return the probe loss; where the attention is due for a look, record its largest logit from the same pass."""
        if self.step not in self._attention:
            return self._bench.probe_loss(model)
        losses: list[float] = []
        logit = largest_attention_logit(model, lambda: losses.append(self._bench.probe_loss(model)))
        if logit is None:
            self._attention = frozenset()  # a model without attention: no more looks
        else:
            self._record.write(self.step, slot, attention_logit=logit)
        return losses[0]

    def _loaded(self, row: int) -> nn.Module:
        return self._parts.loaded(row)

    def _drop(self, slots: set[int]) -> None:
        """Take trials out of the stack."""
        kept = np.array([slot not in slots for slot in self._slots], dtype=bool)
        if kept.all():
            return
        self._slots, self._rows = self._slots[kept], self._rows[kept]
        if len(self._slots) and not self._keeps_all:
            self._parts.keep(torch.from_numpy(self._rows).to(self._bench.device))
            self._rows = np.arange(len(self._slots))

    def _run(self, slot: int, outcome: Any, figures: dict[str, Any] | None = None) -> Run:
        trial = self._trials[slot]
        steps = trial.steps
        if isinstance(outcome, Diverged | Dropped):
            steps = outcome.step + isinstance(outcome, Diverged)
        return run_of(
            trial,
            self._record.trace(slot, steps),
            outcome,
            initial_loss=self._bench.initial_losses[trial.seed, trial.edits],
            seconds=float(self._seconds[slot]),
            figures=figures or {},
        )
