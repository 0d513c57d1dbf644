"""Does `--engine ray` report what `--engine processes` does, at what cost, and with a worker killed under it?

Run: python -m tests.benchmarks.ray_sweep [ROUNDS]

A learning-rate sweep of 16 trials or more of a small MLP, each engine in a process of its own with two workers, interleaved; the
rounds of `ray, a worker killed` have a trial that kills its worker once. Reports must be equal but for clock and provenance:
exit 1 otherwise. CPU time and memory are those of the command with all processes below it, sampled ten times a second:
resident memory counts what processes share once for each of them.

Provisional, 2026-11-21, two shared cores at load 4.6, 2 rounds:

16 trials, 2332 steps; reports equal

| engine | wall s | CPU s | peak memory MiB |
| --- | ---: | ---: | ---: |
| processes | 18.2 | 10.8 | 992 |
| ray | 30.9 | 20.3 | 1716 |
| ray, a worker killed | 38.8 | 27.8 | 1744 |
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import psutil

from tests.benchmarks.table import Row, printed, unmeasured

WORKLOAD: Final = """
import os, signal
import torch
from torch import nn
from trainsense import Workload

def model(): return nn.Sequential(nn.Linear(32, 256), nn.ReLU(), nn.Linear(256, 1))

def data():
    for _ in range(50):
        rows = torch.randn(64, 32)
        yield rows, rows.sum(dim=1, keepdim=True).sin()

def loss(net, batch): return nn.functional.mse_loss(net(batch[0]), batch[1])

def optimizer(net, lr):
    marker = os.environ.get("KILL_ONCE")
    if marker and 0.09 < lr < 0.11 and not os.path.exists(marker):
        open(marker, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return torch.optim.AdamW(net.parameters(), lr=lr)

workload = Workload(model=model, data=data, loss=loss, optimizer=optimizer, lr=1e-3)
"""
ROUNDS: Final = (("processes", False), ("ray", False), ("ray", True))
SWEEP: Final = (
    "sweep-lr",
    "workload.py",
    "--jobs",
    "2",
    "--steps",
    "200",
    "--budget",
    "none",
    "--fresh",
)
SAMPLING_SECONDS: Final = 0.1
FEWEST_TRIALS: Final = 16
PAIRS: Final = 3
MEBIBYTE: Final = 2**20


def rows(pairs: int = PAIRS) -> Iterator[Row]:
    """Measure both engines, and Ray with a worker killed."""
    what = "`--engine ray` reports what `--engine processes` does, also with a worker killed"
    if find_spec("ray") is None:
        yield unmeasured(what, "ray is not installed", "equal reports")
        return
    figures: dict[tuple[str, bool], list[tuple[float, float, float]]] = {one: [] for one in ROUNDS}
    reports: list[dict[str, Any]] = []
    killed = 0
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "workload.py").write_text(WORKLOAD, encoding="utf-8")
        for pair in range(pairs):
            for engine, kills in ROUNDS:
                marker = Path(folder, f"killed-{pair}") if kills else None
                report, measured = _swept(Path(folder), engine, marker)
                killed += marker is not None and marker.exists()
                figures[engine, kills].append(measured)
                reports.append(report)
    trials = reports[0]["cost"]["trials"]
    equal = all(_comparable(one) == _comparable(reports[0]) for one in reports)
    yield Row(
        what=what,
        figure=f"{trials} trials, {reports[0]['cost']['steps']} steps: {'equal' if equal else 'they differ'}; {killed} killed",
        target=f"equal, {FEWEST_TRIALS} trials at least, a worker killed in each of {pairs} rounds",
        met=equal and trials >= FEWEST_TRIALS and killed == pairs,
    )
    for (engine, kills), measured_ones in figures.items():
        wall, cpu, memory = (statistics.median(column) for column in zip(*measured_ones, strict=True))
        yield Row(
            what=f"the same sweep by `--engine {engine}`{', a worker killed' if kills else ''}",
            figure=f"{wall:.1f} s ({cpu:.1f} s CPU, {memory:.0f} MiB resident)",
        )


def _swept(folder: Path, engine: str, marker: Path | None) -> tuple[dict[str, Any], tuple[float, float, float]]:
    """Return the report, and seconds of wall time, seconds of CPU time and MiB."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    if marker is not None:
        environment["KILL_ONCE"] = str(marker)
    command = [sys.executable, "-m", "trainsense", *SWEEP, "--engine", engine, "--format", "json", "--quiet"]
    written = folder / "report.json"
    began = time.monotonic()
    with written.open("w", encoding="utf-8") as stream:
        running = subprocess.Popen(command, cwd=folder, env=environment, stdout=stream)
        cpu, memory = _sampled(running)
    return json.loads(written.read_text(encoding="utf-8")), (time.monotonic() - began, cpu, memory)


def _sampled(running: subprocess.Popen[bytes]) -> tuple[float, float]:
    top, seconds, peak = psutil.Process(running.pid), dict[int, float](), 0.0
    while running.poll() is None:
        resident = 0.0
        for process in [top, *_below(top)]:
            try:
                times = process.cpu_times()
                seconds[process.pid] = times.user + times.system
                resident += process.memory_info().rss / MEBIBYTE
            except psutil.Error:
                continue
        peak = max(peak, resident)
        time.sleep(SAMPLING_SECONDS)
    return sum(seconds.values()), peak


def _below(top: psutil.Process) -> list[psutil.Process]:
    try:
        return list(top.children(recursive=True))
    except psutil.Error:
        return []


def _comparable(report: dict[str, Any]) -> dict[str, Any]:
    return report | {"provenance": None, "cost": report["cost"] | {"seconds": None}}


if __name__ == "__main__":
    sys.exit(printed(rows(*(int(one) for one in sys.argv[1:2]))))
