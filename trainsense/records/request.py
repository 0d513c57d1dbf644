"""`Request`: what was asked for, as data."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, get_args

from trainsense.errors import OptionError
from trainsense.records.baseline import Baseline
from trainsense.records.selection import Selection

FEWEST_STEPS: Final = 20
"""A score is a mean over at least 20 steps (PROTOCOL 0)."""

Command = Literal["preflight", "sweep-lr", "check-instability", "pick-clip", "sweep-warmup", "diagnose"]

Engine = Literal["auto", "sequential", "stacked", "processes", "ray"]


@dataclass(frozen=True, kw_only=True)
class BudgetLimit:
    """How much may be spent.

    Args:
        amount: seconds or optimizer steps, above 0; infinite for no limit.
        unit: which of the two.
    """

    amount: float
    unit: Literal["seconds", "steps"]

    def __str__(self) -> str:
        """Return it as the command line takes it.

        >>> str(BudgetLimit(amount=600.0, unit="seconds")), str(BudgetLimit(amount=2e4, unit="steps")), str(NO_LIMIT)
        ('10m', '20000steps', 'none')
        """
        if math.isinf(self.amount):
            return "none"
        if self.unit == "steps":
            return f"{self.amount:.0f}steps"
        minutes = self.amount / 60
        return f"{minutes:.0f}m" if minutes.is_integer() else f"{self.amount:g}s"


NO_LIMIT = BudgetLimit(amount=math.inf, unit="steps")
"""Everything that the protocol asks for, at its horizons."""
DEFAULT_BUDGET = BudgetLimit(amount=600.0, unit="seconds")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One diagnosis, as asked for.

    Args:
        command: which stage, or `diagnose` for all.
        lr: learning rate to take for the user's own instead of the workload's, or None.
        steps: horizon N of a trial, or None to choose it from the budget.
        seeds: number of screening seeds at the points that matter, or None for the protocol's.
        seed: first seed, 0 or more.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        budget: how much may be spent.
        run_dir: where runs, tables and plots are kept; None keeps nothing (a workload made in a notebook).
        fresh: ignore trials kept from earlier.
        factor: multiple of the unstable lr at which warmups are tried first (PROTOCOL 5).
        keep_going: whether `diagnose` trains although preflight found an error in the setup.
        selection: which rules count.
        baseline: findings that fail no pipeline any more, None for none.
        engine: how trials are run.
        jobs: how many worker processes at most, None for as many as there are cores.
        cpus_per_trial: CPUs that the engine `ray` sets aside for a trial, also fractions; None for 1.
        gpus_per_trial: GPUs likewise, also fractions; None for 1 where trials train on a GPU, else 0.

    Raises:
        OptionError: a value is out of range, or is for another engine.
    """

    command: Command = "diagnose"
    lr: float | None = None
    steps: int | None = None
    seeds: int | None = None
    seed: int = 0
    device: str = "auto"
    budget: BudgetLimit = DEFAULT_BUDGET
    run_dir: Path | None = None
    fresh: bool = False
    factor: float = 10.0
    keep_going: bool = False
    selection: Selection = field(default_factory=Selection)
    baseline: Baseline | None = None
    engine: Engine = "auto"
    jobs: int | None = None
    cpus_per_trial: float | None = None
    gpus_per_trial: float | None = None

    def __post_init__(self) -> None:
        """Check the ranges, for whoever makes a request."""
        limit = None if self.budget == NO_LIMIT else self.budget.amount
        for name, value in (("lr", self.lr), ("factor", self.factor), ("budget", limit)):
            if value is not None and not (math.isfinite(value) and value > 0):
                msg = f"{name} must be finite and above 0, not {value:g}."
                raise OptionError(msg)
        for name, count, least in (
            ("steps", self.steps, FEWEST_STEPS),
            ("seeds", self.seeds, 1),
            ("seed", self.seed, 0),
            ("jobs", self.jobs, 1),
        ):
            if count is not None and count < least:
                msg = f"{name} must be at least {least}, not {count}."
                raise OptionError(msg)
        if self.engine not in get_args(Engine):
            msg = f"engine must be one of {', '.join(get_args(Engine))}, not {self.engine!r}."
            raise OptionError(msg)
        self._check_shares()

    def _check_shares(self) -> None:
        """Raise where what a trial takes of a node is off, or asked of an engine that has no nodes."""
        if self.cpus_per_trial is not None and not (math.isfinite(self.cpus_per_trial) and self.cpus_per_trial > 0):
            msg = f"cpus_per_trial must be finite and above 0, not {self.cpus_per_trial:g}."
            raise OptionError(msg)
        gpus = self.gpus_per_trial
        if gpus is not None and not (0 <= gpus <= 1 or (math.isfinite(gpus) and gpus > 1 and gpus.is_integer())):
            msg = f"gpus_per_trial must be from 0 to 1 or a whole number, not {gpus:g}."
            raise OptionError(msg)
        for name, share in (("cpus-per-trial", self.cpus_per_trial), ("gpus-per-trial", gpus)):
            if share is not None and self.engine != "ray":
                msg = f"--{name} {share:g} is for --engine ray, and the engine is {self.engine}: leave one of them out."
                raise OptionError(msg)
