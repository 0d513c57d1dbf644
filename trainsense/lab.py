"""`Lab`: the one door to computation. It asks the store, runs the rest, keeps it, and watches the budget."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from trainsense.executors.interface import Executor
from trainsense.records.budget import STEP_PRICES, Prices
from trainsense.records.outcome import Skipped, SkipReason
from trainsense.records.progress import Listener, Silent
from trainsense.records.report import Cost
from trainsense.records.run import Run
from trainsense.records.trial import Trial
from trainsense.store.database import Store


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """How much a lab may spend.

    Args:
        amount: in the unit of `prices`; infinite for no limit.
        prices: what a trial costs.
        deadline: seconds since the lab was opened after which nothing new is started; infinite for none.
    """

    amount: float = float("inf")
    prices: Prices = STEP_PRICES
    deadline: float = float("inf")


class Lab:
    """Runs trials within an allowance; the same trial is never run twice.

    A raced trial that was not dropped is the same training as one that was never raced: it is known, and kept, as that.

    Args:
        executor: runs what is not known yet.
        context: what, beside a trial's own settings, decides its result (workload, versions, device type).
        store: keeps runs, None keeps them in memory only.
        fresh: ignore what the store holds from earlier.
        listener: told of every trial.
        clock: seconds; replaced in tests.
    """

    def __init__(
        self,
        executor: Executor,
        *,
        context: str = "",
        store: Store | None = None,
        fresh: bool = False,
        listener: Listener | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._executor, self._context, self._store, self._fresh = executor, context, store, fresh
        self._listener: Listener = listener or Silent()
        self._clock, self._opened = clock, clock()
        self._known: dict[str, Run] = {}
        self._purposes: dict[str, str] = {}
        self._left_out: dict[str, dict[str, Trial]] = {}
        self.allowance = Allowance()
        self.spent = 0.0
        self.interrupted = False

    def run(self, trials: Sequence[Trial], purpose: str) -> list[Run]:
        """Return one run per trial, in order; what the budget does not hold comes back as `Skipped`.

        Args:
            trials: any number; repeated ones are run once.
            purpose: what they are for, in words that can follow "not run: ".
        """
        keyed = [(self._key(trial), trial) for trial in trials]
        skipped: dict[str, Run] = {}
        pending = {key: trial for key, trial in keyed if key not in self._known}
        while pending:
            key, trial = next(iter(pending.items()))
            reason = self._refusal(trial, 0.0)
            if reason is not None:
                skipped[key] = self._skip(key, trial, purpose, reason)
                del pending[key]
                continue
            batch = self._batch(pending)
            self._run_batch(batch, purpose)
            for key in batch:
                trial = pending.pop(key)
                if self._found(key, trial) is None:
                    skipped[key] = self._skip(key, trial, purpose, "interrupted")
        return [self._found(key, trial) or skipped[key] for key, trial in keyed]

    def affords(self, trials: Sequence[Trial]) -> bool:
        """Return whether all of `trials` are known or fit the budget together."""
        keyed = {self._key(trial): trial for trial in trials}
        unknown = [trial for key, trial in keyed.items() if key not in self._known]
        if not unknown:
            return True
        price = sum(self.allowance.prices.of(trial) for trial in unknown)
        return not self.interrupted and not self._late(price) and self.spent + price <= self.allowance.amount

    def leave_out(self, trials: Sequence[Trial], purpose: str) -> None:
        """Note trials that are not run because not all of them fit the budget together."""
        for trial in trials:
            self._left_out.setdefault(purpose, {})[self._key(trial)] = trial

    def runs(self) -> list[tuple[str, Run]]:
        """Return all runs with the purpose for which each was first run, in order."""
        return [(self._purposes[key], run) for key, run in self._known.items()]

    def left_out(self) -> list[str]:
        """Return in words what was planned and never run."""
        texts = []
        for purpose, trials in self._left_out.items():
            missing = [trial for key, trial in trials.items() if self._found(key, trial) is None]
            if missing:
                count = len(missing)
                texts.append(
                    f"{purpose} ({count} {'trial' if count == 1 else 'trials'} of up to {missing[0].steps} steps)"
                )
        return texts

    def cost(self) -> Cost:
        """Return what all runs took, those from the store included."""
        runs = list(self._known.values())
        return Cost(
            trials=len(runs), steps=sum(len(run.trace) for run in runs), seconds=sum(run.seconds for run in runs)
        )

    def _batch(self, pending: Mapping[str, Trial]) -> dict[str, Trial]:
        """Return the first of the pending trials that fit the budget however long each of them takes.

        So what is run, and what is left out, does not depend on how many are run at once.
        """
        batch: dict[str, Trial] = {}
        reserved = 0.0
        for key, trial in pending.items():
            if batch and (self._executor.width == 1 or self._refusal(trial, reserved) is not None):
                break
            batch[key] = trial
            reserved += self.allowance.prices.of(trial)
        return batch

    def _run_batch(self, batch: Mapping[str, Trial], purpose: str) -> None:
        """Run what the store does not have; keep each run as soon as it is done."""
        done = {key: run for key, trial in batch.items() if (run := self._kept(key, trial)) is not None}
        for run in done.values():
            self._listener.finished(0, run.outcome.text)
        missing = {trial: key for key, trial in batch.items() if key not in done}
        if missing:
            for trial in missing:
                self._listener.started(purpose, trial.steps)
            try:
                for found in self._executor.run(list(missing)):
                    run = found if found.dropped else replace(found, trial=found.trial.unraced())
                    done[missing[found.trial]] = run
                    if self._store is not None:
                        self._store.keep(run.trial.key(self._context), run)
                    self._listener.finished(len(run.trace), run.outcome.text)
            except KeyboardInterrupt:
                self.interrupted = True
        for key in batch:
            if key in done:
                own = done[key].trial.key(self._context)
                self._known[own], self._purposes[own] = done[key], purpose
                self.spent += self.allowance.prices.of_run(done[key])

    def _key(self, trial: Trial) -> str:
        """Return the key under which a trial is known, or else would be run."""
        plain = trial.unraced().key(self._context)
        return plain if plain in self._known else trial.key(self._context)

    def _found(self, key: str, trial: Trial) -> Run | None:
        """Return what is known of a trial, by the key under which it was asked for or as a training that nothing stopped."""
        return self._known.get(key) or self._known.get(trial.unraced().key(self._context))

    def _kept(self, key: str, trial: Trial) -> Run | None:
        if self._store is None or self._fresh:
            return None
        return self._store.run(trial.unraced().key(self._context)) or self._store.run(key)

    def _refusal(self, trial: Trial, reserved: float) -> SkipReason | None:
        """Return why a trial is not run when so much of the budget is promised to others, None if it is."""
        if self.interrupted:
            return "interrupted"
        price = self.allowance.prices.of(trial) + reserved
        return "budget" if self.spent + price > self.allowance.amount or self._late(price) else None

    def _late(self, price: float) -> bool:
        """Whether something of this price would end after the deadline; a price in steps only knows whether it has passed."""
        seconds = price / self._executor.pace if self.allowance.deadline < math.inf else 0.0
        return self._clock() - self._opened + seconds > self.allowance.deadline

    def _skip(self, key: str, trial: Trial, purpose: str, reason: SkipReason) -> Run:
        self._left_out.setdefault(purpose, {})[key] = trial
        return Run(trial=trial, outcome=Skipped(reason=reason))

    def allow(self, allowance: Allowance) -> None:
        """Set the allowance; what was spent so far is counted at its prices."""
        self.allowance = allowance
        self.spent = sum(allowance.prices.of_run(run) for run in self._known.values())
