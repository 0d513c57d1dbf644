"""The first look at a workload, kept with what its steps cost, so that the same command repeats itself."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import torch

from trainsense.protocol.check_setup import FirstLook, check_setup
from trainsense.protocol.time_steps import time_steps
from trainsense.ranks.ranks import Ranks
from trainsense.records.budget import STEP_PRICES, Prices
from trainsense.records.evidence import Missing, Setup
from trainsense.records.request import Request
from trainsense.runners.bench import Bench
from trainsense.store.database import Store

SLOW_STEP: Final = 0.05
"""Seconds. On a CPU a step faster than this runs on one thread, unless more are faster by far: they gain little on a quiet machine and
lose a factor of 30 or more on a busy one (measured: 2.7 ms became 74 to 343 ms for a small network)."""
FAST_STEP: Final = 0.005
"""Seconds. A step faster than this runs on one thread in any case."""
THREADS_PAY: Final = 1.2
"""More threads are used where they are this much faster, if steps are slow …"""
GAIN_PER_THREAD: Final = 0.6
"""… or if each further one does this share of what the first does: more than can be counted on from worker processes
(measured on two cores: a small CNN on batches of 128 is 2.0 times as fast on two threads, 1.5 times in two processes)."""

NOT_OF_THE_PLAN: Final = ("run_dir", "fresh", "keep_going", "selection", "baseline")
HOW_TO_RUN: Final = ("engine", "jobs", "cpus_per_trial", "gpus_per_trial", "compile")
"""What is asked for without a bearing on how long trials are."""


@dataclass(frozen=True, kw_only=True)
class FirstKnown:
    """What is known before anything long starts.

    Attributes:
        setup: evidence of the first look, or why it is missing.
        prices: what steps, probes and evaluations cost.
        steps: optimizer steps that it took to know.
        step_seconds: how long a step takes on one thread, 0 if unknown.
        threads: torch's threads that pay in one process.
        speedup: how many times as fast a step is on them.
    """

    setup: Setup | Missing
    prices: Prices
    steps: int
    step_seconds: float = 0.0
    threads: int = 1
    speedup: float = 1.0


def first_look(bench: Bench, request: Request, store: Store | None, context: str, threads: int) -> FirstKnown:
    """Look at data, determinism and speed, or take what was kept; set the number of threads that pays on a CPU.

    Args:
        bench: the workload on its device.
        request: what was asked for.
        store: where it is kept, None for nowhere.
        context: what, beside the request, it depends on.
        threads: how many threads may be used.

    Raises:
        UserCodeError: the workload fails within the first steps, whatever the learning rate.
    """
    on_cpu = bench.device.type == "cpu"
    threads = bench.ranks.from_first(threads)

    def make() -> dict[str, Any]:
        used, speedup, look = 1, 1.0, check_setup(bench, request.seed)
        if on_cpu and threads > 1 and look.step_seconds > FAST_STEP:
            torch.set_num_threads(threads)
            again = check_setup(bench, request.seed)
            least = 1 + (threads - 1) * GAIN_PER_THREAD
            least = min(least, THREADS_PAY) if look.step_seconds > SLOW_STEP else least
            found = look.step_seconds / again.step_seconds
            if found > least:
                used, speedup = threads, found
            torch.set_num_threads(used)
        if request.budget.unit == "steps" or request.command == "preflight":
            return _document(look, used, speedup, STEP_PRICES, 0)
        return _document(look, used, speedup, *time_steps(bench, request.seed))

    asked = asdict(request) | dict.fromkeys((*NOT_OF_THE_PLAN, *HOW_TO_RUN)) | {"device": bench.device.type}
    key = hashlib.sha256(f"{context}|{asked}".encode()).hexdigest()
    document = _kept_by_first(bench.ranks, store, key, make, anew=request.fresh)
    if on_cpu:
        torch.set_num_threads(document["threads"])
    return _read(document)


def _kept_by_first(
    ranks: Ranks, store: Store | None, key: str, make: Callable[[], dict[str, Any]], *, anew: bool
) -> dict[str, Any]:
    """Return what rank 0's store has kept, else what all ranks make together."""
    made = False

    def announced() -> dict[str, Any]:
        nonlocal made
        made = True
        ranks.from_first(made)
        return make()

    if not ranks.first:
        if ranks.from_first(None):
            make()
        return dict(ranks.from_first(None))
    document = announced() if store is None else store.plan(key, announced, anew=anew)
    if not made:
        ranks.from_first(made)
    return dict(ranks.from_first(document))


def _document(look: FirstLook, threads: int, speedup: float, prices: Prices, timed_steps: int) -> dict[str, Any]:
    steps = look.steps + timed_steps
    return {
        "threads": threads,
        "speedup": speedup,
        "setup": asdict(look.setup),
        "prices": asdict(prices),
        "steps": steps,
        "step_seconds": look.step_seconds,
    }


def _read(document: dict[str, Any]) -> FirstKnown:
    return FirstKnown(
        setup=_read_setup(document["setup"]),
        prices=Prices(**document["prices"]),
        steps=int(document["steps"]),
        step_seconds=float(document.get("step_seconds", 0.0)),
        threads=int(document["threads"]),
        speedup=float(document.get("speedup", 1.0)),
    )


def _read_setup(document: Mapping[str, Any]) -> Setup | Missing:
    if "reason" in document:
        return Missing(**document)
    lists = {
        "likely_causes": tuple(document["likely_causes"]),
        "non_finite": tuple((int(index), str(path), int(count)) for index, path, count in document["non_finite"]),
    }
    return Setup(**{**document, **lists})
