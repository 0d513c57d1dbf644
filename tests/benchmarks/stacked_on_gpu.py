"""What stacking saves on a GPU: wall time of 64 trials at once against one after another.

Run: python -m tests.benchmarks.stacked_on_gpu [PAIRS]

Trials are those of tests/benchmarks/stacked_speed; one after another, every sixteenth is run and counts for sixteen. Medians of
interleaved pairs; a second row of each model is compiled, with CUDA graphs, after a stack that compiles it.

Unmeasured so far: no GPU was at hand.
"""

import sys
import time
from collections.abc import Callable, Iterator
from statistics import median

import torch

from tests.benchmarks.recording_cost import CASES, Case
from tests.benchmarks.stacked_speed import together, trials
from tests.benchmarks.table import Row, printed, unmeasured
from trainsense.executors.in_process import InProcess
from trainsense.runners.bench import Bench, prepare

COUNT, SHARE, PAIRS, TARGET = 64, 16, 3, 15.0
MEASURED = (CASES[0], CASES[2])


def rows(pairs: int = PAIRS) -> Iterator[Row]:
    """Measure MLP and transformer."""
    for case in MEASURED:
        what = f"{COUNT} trials at once against one after another on a GPU, wall time: {case.name}"
        if not torch.cuda.is_available():
            yield unmeasured(what, "no GPU", f"at least {TARGET:g}x")
            continue
        bench = prepare(case.workload, torch.device("cuda"), seed=0)
        for compiled in (False, True):
            yield measured(case, bench, what, pairs, compiled=compiled)


def measured(case: Case, bench: Bench, what: str, pairs: int, *, compiled: bool) -> Row:
    """Return the row of one model."""
    planned = trials(case, COUNT)
    together(bench, planned, compiled=compiled)
    list(InProcess(bench).run(planned[:1]))
    alone, stacked = [], []
    for _ in range(pairs):
        alone.append(SHARE * seconds(lambda: list(InProcess(bench).run(planned[::SHARE]))))
        stacked.append(seconds(lambda: together(bench, planned, compiled=compiled)))
    ratio = median(one / other for one, other in zip(alone, stacked, strict=True))
    return Row(
        what=f"{what}{', compiled' if compiled else ''}",
        figure=f"{ratio:.1f}x ({median(alone):.2f} s, {median(stacked):.2f} s; {torch.cuda.get_device_name()})",
        target="" if compiled else f"at least {TARGET:g}x",
        met=None if compiled else ratio >= TARGET,
    )


def seconds(work: Callable[[], object]) -> float:
    """Return the wall time that `work` takes on the device."""
    torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(printed(rows(*(int(one) for one in sys.argv[1:2]))))
