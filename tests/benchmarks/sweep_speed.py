"""What a learning-rate sweep costs: `trainsense sweep-lr` as it is called against thirteen bare trainings in sequence.

Run: python -m tests.benchmarks.sweep_speed [PAIRS [FILE ...]]

Thirteen: four decades of learning rates by thirds, one training of 300 steps each, that record nothing; torch has all cores. Some of
them are timed and count for all, since one is like another; their process's start is left out. The sweep is a process of its own, from
its start to its report, at default settings: the range test, the grid with its seeds, the user's own setting, the edge. Wall time,
medians of interleaved pairs; exit 1 below a target. Regret and lr* are tests/benchmarks/racing's.

Measured 2026-11-21, torch 2.13, two shared cores (two pairs each, million_cnn one):

| workload         | 13 trainings | sweep | ratio               | steps of the sweep | engine     |
| ---------------- | ------------ | ----- | ------------------- | ------------------ | ---------- |
| shifted_digits   | 78 s         | 69 s  | 1.18 (0.87 to 1.48) | 3784               | processes  |
| char_transformer | 102 s        | 79 s  | 1.29 (1.22 to 1.36) | 2734               | processes  |
| million_cnn      | 202 s        | 162 s | 1.24                | 3574               | sequential |
| healthy_cnn      | 12 s         | 20 s  | 0.61 (0.54 to 0.68) | 3106               | sequential |
| healthy_mlp      | 3 s          | 11 s  | 0.31 (0.31 to 0.31) | 2878               | sequential |

The targets are missed. A sweep trains 9 to 12 trainings: three seeds at the best, its neighbours, the edge, the user's own lr. Two threads
make the bare loop 1.3 to 1.8 times as fast here, two worker processes 1.8 to 1.95 times, of which a seventh is lost to workers that wait
while the last trial of a batch ends; 12 to 14 s go by before the first trial of a slow workload (imports 5 s, first look 2, the range
test 3, workers 2). Before trials were raced the sweep of char_transformer took 255 s and 5800 steps.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from tests.benchmarks.table import Row, printed

ROOT: Final = Path(__file__).parents[2]
TARGETS: Final = {"shifted_digits": 2.5, "char_transformer": 2.5, "million_cnn": 1.8}
"""The smaller two leave a core idle; the threads of the larger one fill both."""
SLOWER: Final = 1.1
"""Where thirteen trainings take less than `LONG`, a sweep may take so many times as long, and a start."""
LONG: Final = 60.0
TRAININGS, TIMED, STEPS, PAIRS = 13, 3, 300, 3
SMALL: Final = ("recipes/healthy_mlp.py", "recipes/healthy_cnn.py")

BARE: Final = """
import resource, sys, time
from trainsense.workload.load import load
workload = load(sys.argv[1]).workload
batches = []
while len(batches) < int(sys.argv[2]):
    batches += list(zip(range(int(sys.argv[2]) - len(batches)), workload.data()))
workload.optimizer(workload.model(), 1e-3)
began, used = time.perf_counter(), time.process_time()
for lr in (1e-3, 2e-3, 3e-3)[: int(sys.argv[3])]:
    model = workload.model()
    optimizer = workload.optimizer(model, lr)
    for _, batch in batches:
        optimizer.zero_grad()
        workload.loss(model, batch).backward()
        optimizer.step()
print(time.perf_counter() - began, time.process_time() - used)
"""
"""What anyone would write; what comes before it is the start of a process that trains."""


def bare(path: Path) -> tuple[float, float, float]:
    """Return wall and CPU time of thirteen bare trainings, and the wall time of all that comes before them in their process."""
    command = [sys.executable, "-W", "ignore", "-c", BARE, str(path), str(STEPS), str(TIMED)]
    began = time.perf_counter()
    told = subprocess.run(command, check=True, capture_output=True, text=True, env=_environment(), cwd=ROOT)
    wall, used = (float(figure) for figure in told.stdout.split())
    return wall * TRAININGS / TIMED, used * TRAININGS / TIMED, time.perf_counter() - began - wall


def sweep(path: Path) -> tuple[float, dict[str, Any]]:
    """Return the wall time of a sweep, and its report."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "trainsense",
            "sweep-lr",
            str(path),
            "--quiet",
            "--format",
            "json",
        ]
        command += ["--run-dir", folder, "--fail-on", "never"]
        began = time.perf_counter()
        told = subprocess.run(command, check=True, capture_output=True, text=True, env=_environment(), cwd=ROOT)
        return time.perf_counter() - began, json.loads(told.stdout)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"} | {"PYTHONPATH": str(ROOT)}


def row(path: Path, pairs: int) -> Row:
    """Measure one workload."""
    trainings: list[tuple[float, float, float]] = []
    walls: list[float] = []
    for _ in range(pairs):
        trainings.append(bare(path))
        taken, report = sweep(path)
        walls.append(taken)
    bare_wall, wall = median(one[0] for one in trainings), median(walls)
    ratios = sorted(one[0] / other for one, other in zip(trainings, walls, strict=True))
    engine = report["provenance"]["engine"].partition(":")[0]
    cost = f"{report['cost']['steps']} steps, {report['cost']['seconds']:.0f} s of training, {engine}"
    figure = f"{bare_wall:.0f} s / {wall:.0f} s = {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}); {cost}"
    if bare_wall >= LONG:
        least = TARGETS.get(path.stem, 2.5)
        return Row(
            what=f"13 trainings / sweep-lr, {path.stem}",
            figure=figure,
            target=f"at least {least}",
            met=median(ratios) >= least,
        )
    start = median(one[2] for one in trainings)
    longest = SLOWER * bare_wall + start
    target = f"sweep at most {longest:.0f} s: {SLOWER:g} times, and a start of {start:.0f} s"
    return Row(what=f"13 trainings / sweep-lr, {path.stem}", figure=figure, target=target, met=wall <= longest)


def rows(pairs: int = PAIRS, paths: Sequence[Path] = ()) -> Iterator[Row]:
    """Yield a row per workload."""
    files = [*(ROOT / f"tests/benchmarks/workloads/{name}.py" for name in TARGETS), *(ROOT / name for name in SMALL)]
    for path in paths or files:
        yield row(path, pairs)


if __name__ == "__main__":
    sys.exit(
        printed(rows(int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS, [Path(name).resolve() for name in sys.argv[2:]]))
    )
