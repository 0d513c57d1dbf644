"""Which engine runs the trials, and why."""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from trainsense.diagnosis.first_look import SLOW_STEP, FirstKnown
from trainsense.diagnosis.stacking import AS_ASKED_FOR, stacked_where_it_pays, stacking_text
from trainsense.errors import OptionError
from trainsense.executors.in_process import InProcess
from trainsense.executors.interface import Executor
from trainsense.executors.process_pool import GAIN_PER_WORKER, ProcessPool
from trainsense.executors.ray.needs import Needs
from trainsense.executors.ray.pool import RayPool
from trainsense.executors.stacked import Stacked
from trainsense.executors.worker import Assignment
from trainsense.records.request import BudgetLimit, Request
from trainsense.runners.bench import Bench
from trainsense.workload.load import LoadedWorkload

SWEEP_HORIZON: Final = 300
"""Steps of a sweep trial where the budget allows (PROTOCOL 0)."""
START_SECONDS: Final = 8.0
"""Worker processes take 6 to 10 s to come up on two cores (measured: the fork server imports torch once, each worker reads the
batches)."""
WORTH_SECONDS: Final = 20.0
"""Training ahead, on one core, from which they pay for that …"""
WORTH_BUDGET: Final = 120.0
"""… and budget in seconds (measured on a loaded machine: with workers a budget of a minute took 66 and 67 s)."""
GAIN_OF_SLOW_STEPS: Final = 0.3
"""Of steps that move much memory, each further worker does less of what the first does (measured: a CNN of 1M parameters, 1.32 times as
fast in two processes)."""
TRAININGS: Final = {"diagnose": 90, "sweep-lr": 10}
"""Trainings of the horizon that a command takes where nothing limits it (measured by tests/benchmarks/fix_cost: 57 to 129, and by
tests/benchmarks/sweep_speed: 8 to 14) …"""
FEWER_TRAININGS: Final = 20
"""… and those that try fewer fixes."""


@dataclass(frozen=True, kw_only=True)
class ChosenEngine:
    """An engine.

    Attributes:
        executor: runs the trials.
        why: which, and why.
    """

    executor: Executor
    why: str

    @property
    def start_seconds(self) -> float:
        """Return what it takes until the first trial is trained, in seconds."""
        return START_SECONDS if self.executor.pace > 1 else 0.0

    @property
    def text(self) -> str:
        """Return which engine ran the trials, and why: a sentence for the report."""
        return stacking_text(self.executor, self.why) if isinstance(self.executor, Stacked) else self.why


def chosen_engine(loaded: LoadedWorkload, bench: Bench, request: Request, look: FirstKnown) -> ChosenEngine:
    """Return the engine that was asked for, or the fastest that applies.

    Raises:
        OptionError: what was asked for cannot run this workload.
    """
    if request.engine == "sequential":
        return ChosenEngine(executor=InProcess(bench), why="sequential, as asked for")
    if request.engine == "stacked":
        return ChosenEngine(executor=Stacked(bench, InProcess(bench), compiles=request.compile), why=AS_ASKED_FOR)
    if request.engine == "ray":
        return _ray(loaded, bench, request)
    if request.engine == "processes":
        if not loaded.target:
            msg = "--engine processes needs a workload that lies in a file: a worker process has to load it."
            raise OptionError(msg)
        jobs = request.jobs or cores()
        return ChosenEngine(
            executor=_pool(loaded, bench, request, look, jobs), why=f"processes, as asked for: {_workers(jobs)}"
        )
    chosen = _one_by_one(loaded, bench, request, look)
    if request.command == "preflight":
        return chosen
    return ChosenEngine(
        executor=stacked_where_it_pays(bench, chosen.executor, look.step_seconds, compiles=request.compile),
        why=chosen.why,
    )


def _one_by_one(loaded: LoadedWorkload, bench: Bench, request: Request, look: FirstKnown) -> ChosenEngine:
    """Return the fastest engine that trains each trial by itself."""
    jobs = request.jobs or cores()
    against = _against_processes(loaded, bench, request, look, jobs)
    if against:
        return ChosenEngine(executor=InProcess(bench), why=f"sequential: {against}")
    return ChosenEngine(
        executor=_pool(loaded, bench, request, look, jobs), why=f"processes: {_workers(jobs)}, one thread each"
    )


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _against_processes(loaded: LoadedWorkload, bench: Bench, request: Request, look: FirstKnown, jobs: int) -> str:
    """Return what speaks against worker processes, empty if nothing does."""
    reasons = {
        "one core, or one job": jobs < 2,
        f"trials share {bench.device}": bench.device.type != "cpu",
        "the workload lies in no file that a worker could load": not loaded.target,
        "preflight trains next to nothing": request.command == "preflight",
        f"its steps on {look.threads} threads are {look.speedup:.1f} times as fast": look.threads > 1
        and look.speedup >= 1 + (jobs - 1) * (GAIN_OF_SLOW_STEPS if look.step_seconds > SLOW_STEP else GAIN_PER_WORKER),
        "too little training ahead for worker processes to pay": _seconds_ahead(request, look) < WORTH_SECONDS,
        "the budget is too short for worker processes to pay": _short(request.budget),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _short(budget: BudgetLimit) -> bool:
    return budget.unit == "seconds" and budget.amount < WORTH_BUDGET


def _seconds_ahead(request: Request, look: FirstKnown) -> float:
    """Return how long one core would train: the whole command, or what the budget holds of it."""
    steps = TRAININGS.get(request.command, FEWER_TRAININGS) * (request.steps or SWEEP_HORIZON)
    limit = request.budget.amount * (look.step_seconds if request.budget.unit == "steps" else 1.0)
    return min(steps * look.step_seconds, limit if math.isfinite(request.budget.amount) else math.inf)


def _pool(loaded: LoadedWorkload, bench: Bench, request: Request, look: FirstKnown, jobs: int) -> ProcessPool:
    pool = ProcessPool(
        _assignment(loaded, bench, request, look.threads if jobs == 1 else 1), jobs, meanwhile=InProcess(bench)
    )
    pool.pace /= look.speedup  # prices are those of the threads that pay in one process
    if jobs > 1:
        torch.set_num_threads(1)
    pool.begin()
    return pool


def _ray(loaded: LoadedWorkload, bench: Bench, request: Request) -> ChosenEngine:
    if not loaded.target:
        msg = "--engine ray needs a workload that lies in a file: a worker has to load it."
        raise OptionError(msg)
    on_gpu = bench.device.type == "cuda"
    cpus = 1.0 if request.cpus_per_trial is None else request.cpus_per_trial
    gpus = float(on_gpu) if request.gpus_per_trial is None else request.gpus_per_trial
    if on_gpu != (gpus > 0):
        msg = f"--gpus-per-trial {gpus:g} does not go with {bench.device}, on which the trials train: see --device."
        raise OptionError(msg)
    pool = RayPool(
        _assignment(loaded, bench, request, max(1, int(cpus))),
        Needs(cpus=cpus, gpus=gpus),
        cores=cores(),
        jobs=request.jobs,
        run_dir=request.run_dir,
    )
    return ChosenEngine(executor=pool, why=f"ray, as asked for: {pool.text}")


def _assignment(loaded: LoadedWorkload, bench: Bench, request: Request, threads: int) -> Assignment:
    return Assignment(
        target=loaded.target,
        folder=str(Path.cwd()),
        lr=request.lr,
        device=str(bench.device),
        seed=request.seed,
        threads=threads,
    )


def _workers(jobs: int) -> str:
    return "1 worker" if jobs == 1 else f"{jobs} workers"
