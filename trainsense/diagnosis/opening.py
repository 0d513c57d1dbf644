"""Opens a diagnosis: device, bench, store, prices, plan."""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import torch

from trainsense.diagnosis.engine import SWEEP_HORIZON, ChosenEngine, chosen_engine
from trainsense.diagnosis.first_look import FirstKnown, first_look
from trainsense.diagnosis.judging import setup_errors
from trainsense.diagnosis.rank_engine import check_engine, engine_of_ranks, remarks
from trainsense.errors import BatchSourceError, UserCodeError
from trainsense.executors.ranks import follow
from trainsense.lab import Allowance, Lab
from trainsense.protocol.preflight import preflight
from trainsense.protocol.preflight.left_out import left_out
from trainsense.ranks.joining import device_of_rank
from trainsense.ranks.ranks import ALONE, Ranks
from trainsense.records.budget import STEP_PRICES, Prices
from trainsense.records.evidence import Evidence, Missing
from trainsense.records.plan import ESSENTIALS, Plan, Subject
from trainsense.records.progress import Listener, Silent
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

if TYPE_CHECKING:
    from trainsense.executors.interface import Executor

SHORTEST_HORIZON: Final = 60
"""Below this a trial says little about training."""
TRIALS_IN_BUDGET: Final = 40
"""The horizon is chosen so that about so many trials of its length fit the budget."""
INSTABILITY_SHARE: Final = 5 / 3
"""Instability runs are this much longer than sweep trials: 500 to 300 (PROTOCOL 0)."""
BRACKET_STEPS: Final = 100
"""Steps of the range test (PROTOCOL 2.1)."""
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
STORE_FORMAT: Final = "5"
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
        started: when, in UTC.
        engine: how trials are run, and why so.
    """

    loaded: LoadedWorkload
    bench: Bench
    lab: Lab
    plan: Plan
    seen: tuple[Evidence, ...]
    setup_steps: int
    lines: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    started: datetime = field(default_factory=lambda: datetime.now(tz=UTC))
    engine: ChosenEngine | None = None


@dataclass(frozen=True, kw_only=True)
class _FirstKnown:
    """What is known before any trial."""

    bench: Bench
    subject: Subject
    seen: tuple[Evidence, ...]
    look: FirstKnown
    steps: int
    lines: Mapping[str, tuple[str, int]]


@contextmanager
def opened(loaded: LoadedWorkload, request: Request, listener: Listener, ranks: Ranks = ALONE) -> Iterator[Opened]:
    """Open a diagnosis; the user's global state is as it was afterwards, and the store is closed.

    Args:
        loaded: the workload.
        request: what was asked for.
        listener: told of the progress.
        ranks: the processes that train together; this is the first of them, the others `help_out`.

    Raises:
        CannotRunError: the workload fails its dry run, the device is not there, the run directory cannot be used.
    """
    started, began = datetime.now(tz=UTC), time.monotonic()
    store: Store | None = None
    executor: Executor | None = None
    try:
        with global_state_kept():
            with ranks.together():
                store = Store(request.run_dir) if loaded.fingerprint and request.run_dir is not None else None
                context, known = _first_known(loaded, request, store, listener, ranks)
            bench, look = known.bench, known.look
            engine = engine_of_ranks(bench) if ranks.count > 1 else chosen_engine(loaded, bench, request, look)
            executor = engine.executor
            lab = Lab(executor, context=context, store=store, fresh=request.fresh, listener=listener)
            elapsed = time.monotonic() - began
            lab.allow(_allowance(request.budget, look.prices, known.steps, engine, elapsed))
            yield Opened(
                loaded=loaded,
                bench=bench,
                lab=lab,
                plan=_plan(known.subject, request, look.prices, lab.allowance.amount),
                seen=known.seen,
                setup_steps=known.steps,
                lines=known.lines,
                started=started,
                engine=engine,
            )
    finally:
        if executor is not None:
            executor.close()
        if store is not None:
            store.close()


def help_out(loaded: LoadedWorkload, request: Request, ranks: Ranks) -> None:
    """Take part in a diagnosis that rank 0 leads: look at the workload as it does, then train what it says.

    Raises:
        CannotRunError: as on rank 0.
    """
    with global_state_kept():
        with ranks.together():
            _, known = _first_known(loaded, request, None, Silent(), ranks)
        follow(known.bench)


def _first_known(
    loaded: LoadedWorkload, request: Request, store: Store | None, listener: Listener, ranks: Ranks
) -> tuple[str, _FirstKnown]:
    """Set up the workload and take the first look, the same on every rank.

    Returns:
        What, beside a trial's own settings, decides its result; and what is known before any trial.
    """
    check_engine(request, ranks)
    workload = loaded.workload if request.lr is None else replace(loaded.workload, lr=request.lr)
    device = resolve_device(request.device) if ranks.count == 1 else device_of_rank(request.device)
    context = f"{STORE_FORMAT}|{loaded.fingerprint}|{torch.__version__}|{device.type}"
    context += f"|{ranks.count} ranks" if ranks.count > 1 else ""
    threads = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    bench = prepare(workload, device, request.seed, ranks)
    for remark in remarks(bench, request.seed):
        listener.warn(remark)
    subject = _subject(workload, bench, request)
    seen, look, steps = _first_seen(bench, request, store, context, threads, subject, listener)
    lines = source_lines(lambda: bench.fresh_model(request.seed))
    return context, _FirstKnown(bench=bench, subject=subject, seen=seen, look=look, steps=steps, lines=lines)


def _first_seen(
    bench: Bench,
    request: Request,
    store: Store | None,
    context: str,
    threads: int,
    subject: Subject,
    listener: Listener,
) -> tuple[tuple[Evidence, ...], FirstKnown, int]:
    """Take the first look, and preflight's where the command includes it.

    A first look that the user's code ends, by a label that does not exist, say, is no reason to stop where preflight finds
    what is wrong with the setup.

    Returns:
        What was seen, the first look, and how many optimizer steps it all took.
    """
    failure: UserCodeError | None = None
    try:
        look = first_look(bench, request, store, context, threads)
    except BatchSourceError:
        raise
    except UserCodeError as error:
        if request.command not in WITH_PREFLIGHT:
            raise
        look = FirstKnown(
            setup=Missing(kind="Setup", reason=f"the first steps of training failed: {error}"),
            prices=STEP_PRICES,
            steps=0,
        )
        failure = error
    if request.command not in WITH_PREFLIGHT:
        return (look.setup,), look, look.steps
    listener.stage("preflight: a look into the model before it is trained")
    limited = request.command == "diagnose" and request.budget.unit == "steps"
    most_steps = request.budget.amount - look.steps if limited else math.inf
    if bench.ranks.count > 1:
        looked = left_out(bench.ranks.count)
    else:
        looked = preflight(bench, request.seed, adaptive=subject.adaptive, most_steps=most_steps)
    seen = (look.setup, *looked.evidence)
    if failure is not None and not setup_errors(seen, request.selection):
        raise failure
    return seen, look, look.steps + looked.steps


def _allowance(
    budget: BudgetLimit, prices: Prices, setup_steps: int, engine: ChosenEngine, elapsed: float
) -> Allowance:
    """Return what may be spent: planned by prices alone, so that the same command repeats itself; the clock has the last word."""
    if budget.unit == "steps":
        return Allowance(amount=budget.amount - setup_steps, prices=prices)
    kept_back = min(MOST_KEPT_BACK * budget.amount, CLOSING_SECONDS + CLOSING_SHARE * budget.amount)
    spent = setup_steps * prices.step
    amount = PLANNED_SHARE * (budget.amount - kept_back - engine.start_seconds) - spent
    amount *= engine.executor.pace
    return Allowance(amount=amount, prices=prices, deadline=budget.amount - kept_back / 2 - elapsed)


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
        closely=request.command != "sweep-lr",
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
