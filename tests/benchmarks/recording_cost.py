"""What recording costs: CPU time of a whole sequential trial over that of a bare loop that records nothing.

Run: python -m tests.benchmarks.recording_cost [PAIRS [NAME…]]

One thread. A trial is what a sweep runs: 300 steps, the probe every 15, evaluations and a score on held-out data; beside it the same
trial without any of these looks, which is what its record of every step alone costs. The bare loop has the same batches in memory,
the same weights and the same optimizer. Pairs are interleaved; the ratio is the median of the pairs'. Exit 1 above a target.

Measured 2026-11-21, torch 2.13, two cores, one thread; the MLP 21 pairs, the others 3:

| workload                                  | bare, ms | recorded | whole trial (pairs)  | target |
| ----------------------------------------- | -------- | -------- | -------------------- | ------ |
| MLP 64-64-10, batch 64                    |     0.40 |     1.18 |  1.24 (1.12 to 1.58) |   1.25 |
| CNN 16-32-32-32 on 16x16, batch 64        |    10.18 |     1.05 |  1.05 (0.99 to 1.13) |   1.08 |
| transformer 2x32, 16 tokens, batch 64     |    11.42 |     1.05 |  1.09 (1.03 to 1.13) |   1.08 |
| transformer 2x64, 32 characters, batch 64 |    31.27 |     1.08 |  1.07 (0.94 to 1.08) |   1.08 |
| CNN of 1M parameters on 16x16, batch 64   |    86.15 |     1.00 |  1.10 (1.02 to 1.25) |   1.08 |
"""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch

from tests.benchmarks.networks import STEPS, Transformer, characters, classification, cnn, mlp, wide_cnn
from tests.benchmarks.plain_loop import batches_of
from tests.benchmarks.table import Row, printed
from trainsense import Workload
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench, prepare
from trainsense.runners.sequential import run_trial

PROBE_EVERY, PAIRS = 15, 5


@dataclass(frozen=True, kw_only=True)
class Case:
    """A workload with the ratio that its trial may reach."""

    name: str
    workload: Workload
    target: float


CASES = (
    Case(name="MLP 64-64-10, batch 64", workload=classification(mlp, (64,)), target=1.25),
    Case(name="CNN 16-32-32-32 on 16x16, batch 64", workload=classification(cnn, (1, 16, 16)), target=1.08),
    Case(name="transformer 2x32, 16 tokens, batch 64", workload=classification(Transformer, (16, 8)), target=1.08),
    Case(name="transformer 2x64, 32 characters, batch 64", workload=characters(), target=1.08),
    Case(name="CNN of 1M parameters on 16x16, batch 64", workload=classification(wide_cnn, (1, 16, 16)), target=1.08),
)


def bare_loop(bench: Bench, trial: Trial, batches: list[Any]) -> None:
    """Train and record nothing."""
    workload = bench.workload
    torch.manual_seed(trial.seed)
    model = workload.model()
    optimizer = workload.optimizer(model, trial.lr)
    for batch in batches:
        optimizer.zero_grad()
        workload.loss(model, batch).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def cpu_milliseconds(work: Callable[[], object]) -> float:
    """Return the processor time that `work` takes for each step."""
    started = time.process_time()
    work()
    return 1000 * (time.process_time() - started) / STEPS


def row(case: Case, pairs: int) -> Row:
    """Measure one workload."""
    bench = prepare(case.workload, torch.device("cpu"), seed=0)
    batches = batches_of(case.workload, 0, STEPS)
    trial = Trial(lr=1e-3, seed=0, steps=STEPS, probe_every=PROBE_EVERY)
    blind = Trial(lr=1e-3, seed=0, steps=STEPS, evaluate=False)
    ways = (lambda: bare_loop(bench, trial, batches), lambda: run_trial(bench, blind), lambda: run_trial(bench, trial))
    for way in ways:
        way()
    times = [[cpu_milliseconds(way) for way in ways] for _ in range(pairs)]
    recorded, whole = ([several[way] / several[0] for several in times] for way in (1, 2))
    return Row(
        what=f"CPU time of a trial / a bare loop: {case.name}",
        figure=f"{median(whole):.2f} ({min(whole):.2f} to {max(whole):.2f}); every step's record alone {median(recorded):.2f}; "
        f"bare {median(several[0] for several in times):.2f} ms a step",
        target=f"at most {case.target:g}",
        met=median(whole) <= case.target,
    )


def rows(pairs: int = PAIRS, names: tuple[str, ...] = ("",)) -> Iterator[Row]:
    """Yield a row per workload whose name begins with one of `names`."""
    torch.set_num_threads(1)
    for case in CASES:
        if case.name.startswith(names):
            yield row(case, pairs)


if __name__ == "__main__":
    sys.exit(printed(rows(int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS, tuple(sys.argv[2:]) or ("",))))
