"""`trainsense` in a process of its own, on a tiny workload."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
PATIENCE: Final = 60.0

TINY: Final = """
import os
import torch
from torch import nn
from trainsense import Workload

print("noise on standard output")
os.write(1, b"noise on the descriptor\\n")
torch.set_num_threads(1)
ROWS = torch.linspace(-2.0, 2.0, 96).reshape(32, 3)
TARGETS = (ROWS @ torch.tensor([[1.0], [-2.0], [0.5]])).sin()

def model():
    return nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1))

def data():
    for rows in torch.randperm(32).split(8):
        yield ROWS[rows], TARGETS[rows]

def loss(net, batch):
    return nn.functional.mse_loss(net(batch[0]), batch[1])

def optimizer(net, lr):
    return torch.optim.SGD(net.parameters(), lr=lr)

workload = Workload(model=model, data=data, loss=loss, optimizer=optimizer, lr=0.05)
"""


def start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start `trainsense ARGUMENTS` in `folder`, as the leader of its own process group."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "trainsense", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ended(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run `trainsense ARGUMENTS` to its end; return the exit status and both streams."""
    process = start(folder, *arguments)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def executions(run_dir: Path) -> list[int]:
    """Return how often each trial in the store was run; empty without a store."""
    path = run_dir / "trials.sqlite"
    if not path.exists():
        return []
    connection = sqlite3.connect(path, timeout=PATIENCE)
    try:
        return [count for (count,) in connection.execute("SELECT executions FROM runs")]
    except sqlite3.OperationalError:  # the tables are not there yet
        return []
    finally:
        connection.close()


def signalled(process: "subprocess.Popen[str]", kind: signal.Signals, when: Callable[[], bool]) -> tuple[int, str, str]:
    """Send a signal as soon as `when` holds; return the exit status and both streams."""
    deadline = time.monotonic() + PATIENCE
    while not when() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(kind)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def comparable(report: dict[str, Any]) -> str:
    """Return the report as text without what may differ between two runs of the same command: the clock, and what was measured by it."""
    clockless = {"cost": report["cost"] | {"seconds": None}, "provenance": None}
    return json.dumps(report | clockless, indent=1, sort_keys=True)
