"""What stacking saves: CPU and wall time of trials trained at once against one after another.

Run: python -m tests.benchmarks.stacked_speed [PAIRS]

One thread. Trials are what a sweep runs: 300 steps (60 of the slower models), the probe every 15, a score on held-out data. Medians
of interleaved pairs; exit 1 where an MLP at 32 trials is less than 2.5 times as fast.

Measured 2026-11-21, torch 2.13 on a shared, busy machine, 3 pairs (to be taken again on a quiet one):

| workload                              | trials | alone, CPU | at once, CPU | ratio (pairs)       |
| ------------------------------------- | ------ | ---------- | ------------ | ------------------- |
| MLP 64-64-10, batch 64                | 8      | 1.40 s     | 0.60 s       | 2.35 (2.29 to 2.42) |
| MLP 64-64-10, batch 64                | 16     | 2.55 s     | 0.74 s       | 3.42 (3.36 to 3.47) |
| MLP 64-64-10, batch 64                | 32     | 5.62 s     | 1.28 s       | 4.39 (3.98 to 4.51) |
| CNN 16-32-32-32 on 16x16, batch 64    | 8      | 5.27 s     | 7.15 s       | 0.74 (0.73 to 0.79) |
| CNN 16-32-32-32 on 16x16, batch 64    | 16     | 12.6 s     | 14.8 s       | 0.85 (0.80 to 1.11) |
| CNN 16-32-32-32 on 16x16, batch 64    | 32     | 25.4 s     | 43.0 s       | 0.59 (0.59 to 0.61) |
| transformer 2x32, 16 tokens, batch 64 | 8      | 7.79 s     | 4.76 s       | 1.64 (1.63 to 1.72) |
| transformer 2x32, 16 tokens, batch 64 | 16     | 15.3 s     | 8.91 s       | 1.72 (1.54 to 1.89) |
"""

import sys
import time
from collections.abc import Callable, Iterator
from statistics import median

import torch

from tests.benchmarks.recording_cost import CASES, Case
from tests.benchmarks.table import Row, printed
from trainsense.executors.in_process import InProcess
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench, prepare
from trainsense.runners.stacked.together import train_together

COUNTS, PAIRS, TARGET = (8, 16, 32), 5, 2.5
STEPS = {"MLP": 300, "CNN": 60, "transformer": 60}
SHARE = 4
"""One after another, every fourth trial is run, and its time counts for four."""


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Return the processor and the wall time that `work` takes."""
    started = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - started[0], time.perf_counter() - started[1]


def trials(case: Case, count: int) -> list[Trial]:
    """Return trials of different learning rates, none of which diverges."""
    steps = STEPS[case.name.split(maxsplit=1)[0]]
    return [Trial(lr=1e-4 * 1.05**index, seed=0, steps=steps, probe_every=15) for index in range(count)]


def together(bench: Bench, planned: list[Trial], *, compiled: bool = False) -> None:
    """Train all at once."""
    left: list[Trial] = []
    assert len(list(train_together(bench, planned, left, compiled=compiled))) == len(planned)


def measured(case: Case, bench: Bench, count: int, pairs: int) -> Row:
    """Return the row of a case at a number of trials."""
    planned = trials(case, count)
    stacked: list[tuple[float, float]] = []
    alone: list[tuple[float, float]] = []
    for _ in range(pairs):
        stacked.append(seconds(lambda: together(bench, planned)))
        cpu, wall = seconds(lambda: list(InProcess(bench).run(planned[::SHARE])))
        alone.append((SHARE * cpu, SHARE * wall))
    cpu_ratios, wall_ratios = (
        sorted(one[clock] / other[clock] for one, other in zip(alone, stacked, strict=True)) for clock in (0, 1)
    )
    ratio = median(cpu_ratios)
    asked = case is CASES[0] and count == COUNTS[-1]
    return Row(
        what=f"{count} trials at once against one after another, CPU time of one core: {case.name}",
        figure=f"{ratio:.2f}x ({cpu_ratios[0]:.2f} to {cpu_ratios[-1]:.2f}; {median(one[0] for one in alone):.2f} s, "
        f"{median(one[0] for one in stacked):.2f} s; wall time {median(wall_ratios):.2f}x)",
        target=f"at least {TARGET}x" if asked else "",
        met=ratio >= TARGET if asked else None,
    )


def rows(pairs: int = PAIRS) -> Iterator[Row]:
    """Measure every case."""
    torch.set_num_threads(1)
    for case in CASES[: len(STEPS)]:
        bench = prepare(case.workload, torch.device("cpu"), seed=0)
        together(bench, trials(case, 2))
        for count in COUNTS:
            yield measured(case, bench, count, pairs)


if __name__ == "__main__":
    sys.exit(printed(rows(*(int(one) for one in sys.argv[1:2]))))
