"""What 10,000 kept trials cost: their size on disk, a command that finds all its trials there, and its report again.

Run: python -m tests.benchmarks.kept_trials [TRIALS]

Each trial is 500 steps long, with every column that its kind records: an MLP trained at a sane learning rate, near the edge, with
clipping and a schedule, probed at every step, and one that diverges. They are trained once and kept under 10,000 keys in turn.
A resumed command is `Lab.run` on trials that are all kept, under an executor that refuses to train.

Measured 2026-11-21 on a shared machine (plain rows of doubles, as they were kept before: 370 MB, and as fast):

| what                                                        | figure                      | target    |
| ----------------------------------------------------------- | --------------------------- | --------- |
| size of 10,000 kept trials of 500 steps                     | 75 MB (7.5 kB each)         |           |
| a command run again finds its 1 of 10,000 trials            | 0.003 s (0.002 s CPU)       | under 2 s |
| … its 40                                                    | 0.010 s (0.008 s CPU)       | under 2 s |
| … its 10,000                                                | 1.3 s (1.3 s CPU, 117 MB)   | under 2 s |
| `trainsense report` of that directory, the whole process    | 1.0 s (0.7 s CPU)           | under 2 s |
"""

import itertools
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, NoReturn

import torch

from tests.benchmarks.recording_cost import CASES
from tests.benchmarks.table import Row, printed
from trainsense.lab import Lab
from trainsense.records.run import Run
from trainsense.records.trial import Trial
from trainsense.runners.bench import prepare
from trainsense.runners.sequential import run_trial
from trainsense.store.database import Store

TRIALS, STEPS, FEW, ROUNDS = 10_000, 500, 40, 3
MOST_SECONDS: Final = 2.0
CONTEXT: Final = "benchmark"
MEGABYTE: Final = 1e6
REPORT: Final = Path(__file__).parents[2] / "sample_runs" / "wide_resnet_stride" / "report.json"
LOOKUP: Final = "tests.benchmarks.kept_trials"
DIVERGES: Final = 9
"""Every so many-th trial ends within its first steps."""


class Refusing:
    """An executor for trials that are all kept."""

    width, pace = TRIALS, 1.0

    def run(self, trials: Sequence[Trial]) -> NoReturn:
        """Raise: nothing is left to train."""
        msg = f"{len(trials)} trials are not kept"
        raise AssertionError(msg)

    def close(self) -> None:
        """Do nothing."""


def planned(count: int) -> list[Trial]:
    """Return trials that differ in their learning rate."""
    kinds = (
        Trial(lr=1e-4, seed=0, steps=STEPS, probe_every=STEPS // 20),
        Trial(lr=1e-2, seed=1, steps=STEPS, probe_every=STEPS // 20),
        Trial(lr=1e-3, seed=2, steps=STEPS, probe_every=STEPS // 20, clip_norm=0.5, warmup_steps=50, schedule="cosine"),
        Trial(lr=1e-3, seed=3, steps=STEPS, probe_every=1),
    )
    diverging = Trial(lr=1e30, seed=0, steps=STEPS, probe_every=STEPS // 20)
    return [
        replace(diverging if index % DIVERGES == DIVERGES - 1 else kinds[index % len(kinds)], lr=lr)
        for index in range(count)
        for lr in [(1e30 if index % DIVERGES == DIVERGES - 1 else 1e-4) * (1 + 1e-4 * index)]
    ]


def trained(trials: Sequence[Trial]) -> Iterator[Run]:
    """Yield a run of each trial: those of one kind share what was trained once."""
    bench = prepare(CASES[0].workload, torch.device("cpu"), seed=0)
    known: dict[tuple[object, ...], Run] = {}
    for trial in trials:
        kind = (trial.seed, trial.schedule, trial.lr > 1)
        if kind not in known:
            known[kind] = run_trial(bench, trial)
        yield replace(known[kind], trial=trial)


def filled(directory: Path, trials: Sequence[Trial]) -> float:
    """Keep a run of each trial; return the seconds of processor time that keeping took."""
    store = Store(directory)
    runs = list(trained(trials))

    def keep() -> None:
        for trial, run in zip(trials, runs, strict=True):
            store.keep(trial.key(CONTEXT), run)

    took = _timed(keep)[0]
    store.close()
    return took


def resumed(directory: Path, count: int, of: int) -> None:
    """Print what a command that asks for `count` trials of `of` pays to find them all kept: CPU and wall time, peak memory."""
    asked = planned(of)[:: of // count][:count]
    before = _peak_megabytes()

    def ask() -> None:
        store = Store(directory)
        lab = Lab(Refusing(), context=CONTEXT, store=store)
        assert len(lab.run(asked, "resumed")) == count
        store.close()

    cpu, wall = _timed(ask)
    print(json.dumps([cpu, wall, _peak_megabytes() - before]))


def rows(count: int = TRIALS) -> Iterator[Row]:
    """Measure everything."""
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        keeping = filled(directory, planned(count))
        size = sum(path.stat().st_size for path in directory.iterdir()) / MEGABYTE
        (directory / "report.json").write_bytes(REPORT.read_bytes())
        yield Row(
            what=f"size of {count} kept trials of {STEPS} steps",
            figure=f"{size:.0f} MB ({1000 * size / count:.1f} kB each; kept in {1000 * keeping / count:.2f} ms each)",
        )
        for asked in (1, min(FEW, count), count):
            program = ("-c", f"from {LOOKUP} import *; resumed(Path({folder!r}), {asked}, {count})")
            found = [json.loads(_process(program)[1]) for _ in range(ROUNDS)]
            cpu, wall, memory = (median(column) for column in zip(*found, strict=True))
            yield Row(
                what=f"a command run again finds its {asked} of {count} trials: opens the store, looks up, decodes",
                figure=f"{wall:.3f} s ({cpu:.3f} s CPU, {memory:.0f} MB)",
                target=f"under {MOST_SECONDS:g} s",
                met=wall < MOST_SECONDS,
            )
        command = ("-m", "trainsense", "report", folder, "--fail-on", "never")
        measured = [_process(command)[0] for _ in range(ROUNDS)]
        cpu, wall = (median(column) for column in zip(*measured, strict=True))
        yield Row(
            what=f"`trainsense report` of a directory with {count} kept trials, the whole process",
            figure=f"{wall:.2f} s ({cpu:.2f} s CPU)",
            target=f"under {MOST_SECONDS:g} s",
            met=wall < MOST_SECONDS,
        )


def _process(arguments: Sequence[str]) -> tuple[tuple[float, float], str]:
    """Return processor and wall time of a Python process, and what it wrote."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.PIPE, text=True, env=environment)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall), done.stdout


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    started = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - started[0], time.perf_counter() - started[1]


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(printed(rows(*(int(one) for one in itertools.islice(sys.argv, 1, 2)))))
