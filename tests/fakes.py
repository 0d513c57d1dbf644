"""A laboratory without a model: trials answered from a noisy quadratic whose optimum is known, in microseconds.

The expected loss of stochastic gradient descent on `h x^2 / 2` with gradient noise of variance `s^2` obeys
`m' = (1 - lr h)^2 m + lr^2 s^2` with `m = E x^2` and loss `h m / 2`: stable if and only if `lr < 2 / h`, and without any
randomness. Clipping scales the step by `min(1, clip / g)` with `g = sqrt(h^2 m + s^2)`.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from trainsense.lab import Allowance, Lab
from trainsense.records.model_edit import EditSurvey
from trainsense.records.outcome import Completed, Crashed, Diverged, Dropped, Outcome
from trainsense.records.plan import COMPLETION, ESSENTIALS, REFINEMENTS, Effort, Plan, Subject
from trainsense.records.run import Run
from trainsense.records.schedule import range_test, warmup_factor
from trainsense.records.trace import COLUMNS, Trace
from trainsense.records.trial import RANGE_TEST, Trial
from trainsense.runners.racing import Race

OVERFLOW: Final = 1e30
"""Above this a loss counts as infinite."""
TAIL: Final = 20


@dataclass(kw_only=True)
class Quadratic:
    """An executor.

    Args:
        curvature: h; the largest stable learning rate is `2 / h`.
        noise: s, standard deviation of the gradient noise.
        start: x at the first step.
        nan: whether every loss is NaN.
        crash_above: learning rate above which the user's code raises.
        interrupt_at: index of the trial that the user interrupts.
        seed_spread: relative spread of the start over seeds, deterministic.
        quieter: factor on the noise by the name of an optimizer or model edit: below 1 it pays.
        needs: no learning rate changes anything but under this optimizer or model edit.
        ran: every trial that was run, in order.
    """

    curvature: float = 1.0
    noise: float = 0.0
    start: float = 10.0
    nan: bool = False
    crash_above: float = math.inf
    interrupt_at: int | None = None
    seed_spread: float = 0.0
    quieter: Mapping[str, float] = field(default_factory=dict)
    needs: str | None = None
    ran: list[Trial] = field(default_factory=list)
    width: int = 1
    pace: float = 1.0

    @property
    def limit(self) -> float:
        """The learning rate from which on training diverges."""
        return 2 / self.curvature

    def run(self, trials: Sequence[Trial]) -> Iterator[Run]:
        """Yield one run per trial."""
        for trial in trials:
            if self.interrupt_at == len(self.ran):
                raise KeyboardInterrupt
            self.ran.append(trial)
            yield self.answer(trial)

    def close(self) -> None:
        """Do nothing."""

    def answer(self, trial: Trial) -> Run:
        """Return what happens."""
        rows = {name: np.full(trial.steps, math.nan) for name in COLUMNS}
        h, clip = self.curvature, trial.clip_norm
        changes = {*trial.edits, trial.optimizer}
        noise = self.noise * math.prod(factor for name, factor in self.quieter.items() if name in changes)
        moving = self.needs is None or self.needs in changes
        moment = (self.start * (1 + self.seed_spread * math.sin(trial.seed))) ** 2
        initial = math.nan if self.nan else h * moment / 2
        outcome: Outcome = Completed()
        length = trial.steps
        race = Race(trial)
        for step in range(trial.steps):
            loss = math.nan if self.nan else h * moment / 2
            norm = math.sqrt(h * h * moment + noise**2)
            lr = trial.lr * _factor(trial, step)
            clipped = clip is not None and norm > clip
            rows["lr"][step], rows["loss"][step], rows["grad_norm"][step] = lr, loss, norm
            rows["clipped"][step] = float(clipped)
            if trial.probe_every and step % trial.probe_every == 0:
                rows["probe_loss"][step] = loss
                if math.isfinite(loss) and race.lost(step, loss):
                    outcome, length = Dropped(step=step, value=loss, must_reach=trial.must_reach or math.nan), step
                    break
            if lr > self.crash_above:
                outcome, length = Crashed(reason="exception", step=step, message="ValueError: no"), step + 1
                break
            if not math.isfinite(loss) or loss > OVERFLOW:
                value = loss if math.isnan(loss) else math.inf
                outcome, length = Diverged(reason="non-finite-loss", step=step, value=value), step + 1
                break
            if trial.stop_loss is not None and loss > trial.stop_loss:
                outcome, length = Diverged(reason="loss-explosion", step=step, value=loss), step + 1
                break
            used = lr * clip / norm if clip is not None and clipped else lr
            used = used if moving else 0.0
            rows["update_norm"][step] = used * norm
            moment = (1 - used * h) ** 2 * moment + (used * noise) ** 2
        done = isinstance(outcome, Completed | Dropped)
        tail = rows["loss"][length - min(TAIL, length) : length]
        return Run(
            trial=trial,
            trace=Trace(**{name: values[:length] for name, values in rows.items()}),
            outcome=outcome,
            initial_loss=initial,
            score=float(np.mean(tail)) if done else None,
            score_error=0.0 if done else None,
            final_probe_loss=h * moment / 2 if done and trial.probe_every else None,
            seconds=0.001 * length,
        )

    def score(self, lr: float, steps: int) -> float:
        """Return the score of a constant learning rate; infinite where it diverges."""
        score = self.answer(Trial(lr=lr, seed=0, steps=steps)).score
        return math.inf if score is None else score

    def best_lr(self, steps: int) -> float:
        """Return the best constant learning rate, by brute force to 1 %."""
        lrs = np.geomspace(1e-4 * self.limit, 0.999 * self.limit, 800)
        return float(min(lrs, key=lambda lr: self.score(float(lr), steps)))


def _factor(trial: Trial, step: int) -> float:
    if trial.schedule == RANGE_TEST:
        return range_test(step, trial.steps)
    return warmup_factor(step, trial.warmup_steps)


def plan(effort: Effort = REFINEMENTS, *, horizon: int = 60, lr: float | None = None, **subject: Any) -> Plan:
    """Return a plan for the quadratic."""
    return Plan(
        subject=Subject(lr=lr, **subject),
        seed=0,
        horizon=horizon,
        instability_steps=100,
        bracket_steps=100,
        effort=effort,
    )


def survey(edit: str, reason: str = "") -> EditSurvey:
    """Return what a model edit would change; with a reason, why it cannot be applied."""
    return EditSurvey(edit=edit, changes=() if reason else ("layer",), reason=reason, code="", advice=f"do {edit}")


def lab(executor: Quadratic, steps: float = math.inf, clock: Callable[[], float] = lambda: 0.0) -> Lab:
    """Return a lab with a budget in steps."""
    made = Lab(executor, clock=clock)
    made.allow(Allowance(amount=steps))
    return made


__all__ = ["COMPLETION", "ESSENTIALS", "REFINEMENTS", "Quadratic", "lab", "plan", "survey"]
