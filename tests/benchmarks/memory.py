"""What each engine takes of memory: a learning-rate sweep from its first process to its last, and stacks of 32 trials.

Run: python -m tests.benchmarks.memory

A sweep is `trainsense sweep-lr --engine ENGINE` with two workers where an engine has any. Its figure is the peak, sampled five
times a second, of the proportional set sizes of the command and all processes below it: memory that processes share counts
once. Importing torch alone is the first row. Replayed batches and stacks are bounded, by 1 GiB each (`workload/replay.py`,
`runners/stacked/memory.py`; a stack on a GPU by half of what is free there): the last rows hold what a stack of 32 trials took
against what was reckoned for it.

Measured 2026-11-21 on a shared machine:

| what                                                | figure   | target                            |
| --------------------------------------------------- | -------- | --------------------------------- |
| `import torch`                                      | 154 MiB  |                                   |
| `sweep-lr --engine sequential`, MLP, transformer    | 327, 341 MiB   |                             |
| `sweep-lr --engine processes`, MLP, transformer     | 585, 618 MiB   |                             |
| `sweep-lr --engine stacked`, MLP, transformer       | 332, 382 MiB   |                             |
| `sweep-lr --engine ray`, MLP, transformer           | 1121, 1204 MiB |                             |
| a stack of 32, MLP, above the process before it     | 6 MiB    | at most 9 MiB, as reckoned        |
| a stack of 32, transformer, likewise                | 343 MiB  | at most 795 MiB, as reckoned      |
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psutil
import torch

from tests.benchmarks.recording_cost import CASES
from tests.benchmarks.table import Row, printed, unmeasured
from trainsense import Workload
from trainsense.records.trial import Trial
from trainsense.runners.bench import prepare
from trainsense.runners.stacked.first_pass import first_pass
from trainsense.runners.stacked.memory import HOST_BYTES, stack_bytes
from trainsense.runners.stacked.together import train_together

MODULE: Final = "tests.benchmarks.memory"
WORKLOADS: Final[dict[str, Workload]] = {"MLP": CASES[0].workload, "transformer": CASES[2].workload}
mlp, transformer = WORKLOADS.values()
TARGETS: Final = {"MLP": f"{MODULE}:mlp", "transformer": f"{MODULE}:transformer"}
ENGINES: Final = ("sequential", "processes", "stacked", "ray")
SWEEP: Final = ("--jobs", "2", "--steps", "40", "--budget", "none", "--fresh", "--quiet", "--fail-on", "never")
STACKED, STEPS, SAMPLING_SECONDS = 32, 20, 0.2
MEBIBYTE: Final = 2**20
ROOT: Final = Path(__file__).parents[2]


def rows() -> Iterator[Row]:
    """Measure every engine."""
    peak, _ = sampled(["-c", "import torch"])
    yield Row(what="peak memory of `import torch`", figure=f"{peak:.0f} MiB")
    for engine in ENGINES:
        for name, target in TARGETS.items():
            what = f"peak memory of `sweep-lr --engine {engine}`, {name}"
            if engine == "ray" and find_spec("ray") is None:
                yield unmeasured(what, "ray is not installed")
                continue
            with TemporaryDirectory() as folder:
                command = ("sweep-lr", target, "--engine", engine, "--run-dir", folder, "--format", "json")
                peak, out = sampled(["-m", "trainsense", *command, *SWEEP])
            report = json.loads(out)
            note = f"{report['cost']['trials']} trials; {report['provenance']['engine']}"
            yield Row(what=what, figure=f"{peak:.0f} MiB ({note})")
    for name in TARGETS:
        _, out = sampled(["-c", f"from {MODULE} import *; stack({name!r})"])
        grown, reckoned = json.loads(out)
        yield Row(
            what=f"peak memory of a stack of {STACKED}, {name}, above the process before it",
            figure=f"{grown:.0f} MiB",
            target=f"at most {reckoned:.0f} MiB, as reckoned; bound {HOST_BYTES / MEBIBYTE:.0f} MiB",
            met=grown <= reckoned,
        )


def stack(name: str) -> None:
    """Train a stack; print by how many MiB the peak of this process grew, and how many were reckoned with."""
    torch.set_num_threads(1)
    bench = prepare(WORKLOADS[name], torch.device("cpu"), seed=0)
    trials = [Trial(lr=1e-4 * 1.05**index, seed=0, steps=STEPS, probe_every=2) for index in range(STACKED)]
    seen = first_pass(bench, trials[0])
    list(train_together(bench, trials[:2], []))
    before = _peak_mebibytes()
    assert len(list(train_together(bench, trials, []))) == STACKED
    print(json.dumps([_peak_mebibytes() - before, STACKED * stack_bytes(seen) / MEBIBYTE]))


def sampled(arguments: Sequence[str]) -> tuple[float, str]:
    """Run Python with these arguments; return the peak of all its processes in MiB, and what it wrote."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with TemporaryDirectory() as folder:
        written = Path(folder, "out")
        with written.open("w", encoding="utf-8") as stream:
            running = subprocess.Popen([sys.executable, *arguments], stdout=stream, cwd=ROOT, env=environment)
            root, most = psutil.Process(running.pid), 0.0
            while running.poll() is None:
                most = max(most, _together(root))
                time.sleep(SAMPLING_SECONDS)
        if running.returncode:
            raise subprocess.CalledProcessError(running.returncode, arguments)
        return most, written.read_text(encoding="utf-8")


def _together(root: psutil.Process) -> float:
    """Return the proportional set sizes of a process and all below it, in MiB."""
    try:
        processes = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(_proportional(process.pid) for process in processes) / MEBIBYTE


def _proportional(process: int) -> int:
    """Return the proportional set size of a process in bytes, 0 if it has just ended."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _peak_mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEBIBYTE


if __name__ == "__main__":
    sys.exit(printed(rows()))
