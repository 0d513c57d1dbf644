"""Opens a diagnosis: device, bench, store, prices, plan."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import torch

from trainsense.executors.in_process import InProcess
from trainsense.lab import Allowance, Lab
from trainsense.protocol.check_setup import FirstLook, check_setup
from trainsense.protocol.preflight import preflight
from trainsense.protocol.time_steps import time_steps
from trainsense.records.budget import STEP_PRICES, Prices
from trainsense.records.evidence import Evidence, Setup
from trainsense.records.plan import ESSENTIALS, Plan, Subject
from trainsense.records.progress import Listener
from trainsense.records.request import BudgetLimit, Request
from trainsense.runners.bench import Bench, prepare
from trainsense.store.database import Store
from trainsense.workload.contract import Workload
from trainsense.workload.device import resolve_device
from trainsense.workload.load import LoadedWorkload
from trainsense.workload.optimizers import build_optimizer, code_of
from trainsense.workload.schedule import own_warmup_steps
from trainsense.workload.seeding import global_state_kept
from trainsense.workload.source_lines import source_lines

SWEEP_HORIZON: Final = 300
"""Steps of a sweep trial where the budget allows (PROTOCOL 0)."""
SHORTEST_HORIZON: Final = 60
"""Below this a trial says little about training."""
TRIALS_IN_BUDGET: Final = 40
"""The horizon is chosen so that about so many trials of its length fit the budget."""
INSTABILITY_SHARE: Final = 5 / 3
"""Instability runs are this much longer than sweep trials: 500 to 300 (PROTOCOL 0)."""
BRACKET_STEPS: Final = 100
"""Steps of the range test (PROTOCOL 2.1)."""
SLOW_STEP: Final = 0.05
"""Seconds. On a CPU a step faster than this runs on one thread: more gain little on a quiet machine and lose a factor of
30 or more on a busy one (measured: 2.7 ms became 74 to 343 ms for a small network)."""
THREADS_PAY: Final = 1.2
"""More threads are used where they are this much faster."""
CLOSING_SECONDS: Final = 6.0
"""Kept back from a budget in seconds for start, tables and plots …"""
CLOSING_SHARE: Final = 0.02
"""… with this share of it for what the prices miss."""
PLANNED_SHARE: Final = 0.95
"""Of what is left is planned, so that the clock, which would make the same command end elsewhere, seldom has to step in."""
MOST_KEPT_BACK: Final = 0.4
"""… but never more than this share of a small budget."""
WITH_PREFLIGHT: Final = ("preflight", "diagnose")
"""Commands that look into the model before they train it."""
STORE_FORMAT: Final = "4"
"""Raise when a change makes kept trials differ from new ones."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """Everything that the stages and the report need.

    Attributes:
        loaded: the workload with its name and source.
        bench: the workload on its device.
        lab: with its allowance set.
        plan: at essential effort.
        setup: evidence of the first look.
        setup_steps: optimizer steps that it took.
        lines: file and line of the user's code that construct each module of the model, by the module's path.
    """

    loaded: LoadedWorkload
    bench: Bench
    lab: Lab
    plan: Plan
    seen: tuple[Evidence, ...]
    setup_steps: int
    lines: Mapping[str, tuple[str, int]] = field(default_factory=dict)


@contextmanager
def opened(loaded: LoadedWorkload, request: Request, listener: Listener) -> Iterator[Opened]:
    """Open a diagnosis; the user's global state is as it was afterwards, and the store is closed.

    Raises:
        CannotRunError: the workload fails its dry run, the device is not there, the run directory cannot be used.
    """
    workload = loaded.workload if request.lr is None else replace(loaded.workload, lr=request.lr)
    device = resolve_device(request.device)
    keeps = request.run_dir is not None and loaded.fingerprint
    store = Store(request.run_dir) if keeps and request.run_dir else None
    try:
        with global_state_kept():
            context = f"{STORE_FORMAT}|{loaded.fingerprint}|{torch.__version__}|{device.type}"
            bench, document = _bench_and_plan(workload, device, request, store, context)
            setup, prices, steps = _read_plan(document)
            subject = _subject(workload, bench, request)
            seen: tuple[Evidence, ...] = (setup,)
            if request.command in WITH_PREFLIGHT:
                listener.stage("preflight: a look into the model before it is trained")
                looked = preflight(bench, request.seed, adaptive=subject.adaptive)
                seen, steps = (setup, *looked.evidence), steps + looked.steps
            lab = Lab(InProcess(bench), context=context, store=store, fresh=request.fresh, listener=listener)
            lab.allow(_allowance(request.budget, prices, steps))
            yield Opened(
                loaded=loaded,
                bench=bench,
                lab=lab,
                plan=_plan(subject, request, prices, lab.allowance.amount),
                seen=seen,
                setup_steps=steps,
                lines=source_lines(lambda: bench.fresh_model(request.seed)),
            )
    finally:
        if store is not None:
            store.close()


def _bench_and_plan(
    workload: Workload, device: torch.device, request: Request, store: Store | None, context: str
) -> tuple[Bench, dict[str, Any]]:
    """Prepare the bench and make the plan, or take the kept one, so that the same command repeats itself."""
    threads = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    bench = prepare(workload, device, request.seed)

    def make() -> dict[str, Any]:
        used, look = 1, check_setup(bench, request.seed)
        if device.type == "cpu" and threads > 1 and look.step_seconds > SLOW_STEP:
            torch.set_num_threads(threads)
            again = check_setup(bench, request.seed)
            if look.step_seconds > THREADS_PAY * again.step_seconds:
                used, look = threads, again
            torch.set_num_threads(used)
        if request.budget.unit == "steps" or request.command == "preflight":
            return _document(look, used, STEP_PRICES, 0)
        return _document(look, used, *time_steps(bench, request.seed))

    asked = asdict(request) | {"run_dir": None, "fresh": None, "keep_going": None, "device": device.type}
    key = hashlib.sha256(f"{context}|{asked}".encode()).hexdigest()
    document = make() if store is None else store.plan(key, make, anew=request.fresh)
    if device.type == "cpu":
        torch.set_num_threads(document["threads"])
    return bench, document


def _document(look: FirstLook, threads: int, prices: Prices, timed_steps: int) -> dict[str, Any]:
    steps = look.steps + timed_steps
    return {"threads": threads, "setup": asdict(look.setup), "prices": asdict(prices), "steps": steps}


def _read_plan(document: dict[str, Any]) -> tuple[Setup, Prices, int]:
    setup = dict(document["setup"])
    setup["likely_causes"] = tuple(setup["likely_causes"])
    setup["non_finite"] = tuple((int(index), str(path), int(count)) for index, path, count in setup["non_finite"])
    return Setup(**setup), Prices(**document["prices"]), int(document["steps"])


def _allowance(budget: BudgetLimit, prices: Prices, setup_steps: int) -> Allowance:
    if budget.unit == "steps":
        return Allowance(amount=budget.amount - setup_steps, prices=prices)
    kept_back = min(MOST_KEPT_BACK * budget.amount, CLOSING_SECONDS + CLOSING_SHARE * budget.amount)
    spent = setup_steps * prices.step
    amount = PLANNED_SHARE * (budget.amount - kept_back) - spent
    return Allowance(amount=amount, prices=prices, deadline=budget.amount - kept_back / 2)


def _plan(subject: Subject, request: Request, prices: Prices, amount: float) -> Plan:
    affordable = amount / prices.step / TRIALS_IN_BUDGET
    longest = subject.max_train_steps or SWEEP_HORIZON
    horizon = request.steps or max(SHORTEST_HORIZON, int(min(SWEEP_HORIZON, affordable)))
    horizon = min(horizon, longest) if request.steps is None else horizon
    instability = round(INSTABILITY_SHARE * horizon)
    if subject.max_train_steps is not None:
        instability = max(horizon, min(instability, subject.max_train_steps))
    effort = ESSENTIALS
    return Plan(
        subject=subject,
        seed=request.seed,
        horizon=horizon,
        instability_steps=instability,
        bracket_steps=min(BRACKET_STEPS, max(50, horizon // 2)),
        effort=effort,
        warmup_factor=request.factor,
        any_fix=request.command == "diagnose",
    )


def _subject(workload: Workload, bench: Bench, request: Request) -> Subject:
    model = bench.fresh_model(request.seed)
    optimizer = build_optimizer(workload, model, workload.lr or 1e-3, None)
    return Subject(
        lr=workload.lr,
        clip_norm=workload.clip_norm,
        max_train_steps=workload.max_train_steps,
        constant_schedule=workload.schedule in (None, "constant"),
        own_warmup_steps=own_warmup_steps(workload),
        adaptive=any("beta" in key or "alpha" in key for group in optimizer.param_groups for key in group),
        optimizer=type(optimizer).__name__,
        optimizer_code=code_of(optimizer, model),
        schedule="own" if callable(workload.schedule) else workload.schedule or "constant",
        edits=bench.surveys(request.seed) if request.command in WITH_PREFLIGHT else (),
    )
