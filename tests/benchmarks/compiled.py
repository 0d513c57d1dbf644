"""What `--compile` saves in a stack and what it costs first: time of a step of 32 trials, compiled against as it is.

Run: python -m tests.benchmarks.compiled

One thread on a CPU. Compiling is the first step, with torch's own caches empty. Both stacks see the same batches; the difference is the
largest relative one of the losses of the first ten steps.

Measured 2026-11-21 on a shared, busy machine (CPU time; losses within 1e-5 of the other stack's):

| stack of 32                           | as it is | compiled | ratio | compiling |
| ------------------------------------- | -------- | -------- | ----- | --------- |
| MLP 64-64-10, batch 64                | 5.3 ms   | 4.6 ms   | 1.15  | 4 s       |
| CNN 16-32-32-32 on 16x16, batch 64    | 634 ms   | 687 ms   | 0.92  | 8 s       |
| transformer 2x32, 16 tokens, batch 64 | 280 ms   | 201 ms   | 1.40  | 15 s      |
"""

import os
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from tempfile import TemporaryDirectory

import numpy as np
import torch

from tests.benchmarks.recording_cost import CASES, Case
from tests.benchmarks.table import Row, printed, unmeasured
from trainsense.records.run import Run
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench, prepare
from trainsense.runners.stacked.training import Stack

COUNT, STEPS, WARM, COMPARED, KINDS, SAME = 32, 20, 4, 10, 3, 1e-5


def rows() -> Iterator[Row]:
    """Measure a stack of each kind of model."""
    torch.set_num_threads(1)
    for case in CASES[:KINDS]:
        if not any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "g++", "clang++")):
            yield unmeasured(f"a compiled stack of {COUNT}, {case.name}", "no C++ compiler")
            continue
        yield measured(case)


def measured(case: Case) -> Row:
    """Train both stacks."""
    bench = prepare(case.workload, torch.device("cpu"), seed=0)
    times, runs = stepped(bench, compiled=False)
    with TemporaryDirectory() as caches:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = caches
        fast, compiled = stepped(bench, compiled=True)
    pairs = zip(runs, compiled, strict=True)
    difference = max(
        float(np.max(np.abs(other.trace.loss[:COMPARED] / one.trace.loss[:COMPARED] - 1))) for one, other in pairs
    )
    plain, step = (1000 * statistics.median(one[WARM:]) for one in (times, fast))
    return Row(
        what=f"a step of a stack of {COUNT}, compiled, against as it is: {case.name}",
        figure=f"{plain / step:.2f} ({plain:.1f} ms, {step:.1f} ms; compiling {fast[0]:.0f} s; losses differ by {difference:.0e})",
        target=f"losses within {SAME:.0e}",
        met=difference <= SAME,
    )


def stepped(bench: Bench, *, compiled: bool) -> tuple[list[float], list[Run]]:
    """Return the processor time of each step, and the runs."""
    trials = [Trial(lr=1e-4 * 1.05**index, seed=0, steps=STEPS) for index in range(COUNT)]
    stack = Stack(bench, trials, block=1, compiled=compiled)
    times = []
    while stack.training:
        started = time.process_time()
        assert not stack.advance()
        times.append(time.process_time() - started)
    return times, stack.unmeasured()


if __name__ == "__main__":
    sys.exit(printed(rows()))
