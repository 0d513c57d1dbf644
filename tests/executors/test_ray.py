"""Ray's workers train as the loop in this process does; a dead one costs nothing; Ray comes and goes without a trace."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from tests.executors.pooled import ONCE, RAISING, UNREADABLE, WORKLOAD, assert_same, by_trial, trial
from trainsense.errors import BatchSourceError
from trainsense.executors.in_process import InProcess
from trainsense.executors.ray.needs import Needs
from trainsense.executors.ray.pool import RayPool
from trainsense.executors.worker import Assignment
from trainsense.records.outcome import Completed, Crashed, Diverged
from trainsense.runners.bench import prepare
from trainsense.workload.load import load

pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(find_spec("ray") is None, reason="the package ray is not installed"),
]

ELSEWHERE = """
from pathlib import Path
import torch
from torch import nn
from trainsense import Workload
import neighbour

def data():
    assert not Path(".trainsense").exists() and Path("rows.txt").read_text() == "16"
    return [torch.randn(neighbour.ROWS, 3) for _ in range(6)]

def loss(net, batch): return net(batch).square().mean()

workload = Workload(model=lambda: nn.Linear(3, 1), data=data, loss=loss)
"""
JOINING = """
import sys
from pathlib import Path
import torch
from trainsense.executors.ray.needs import Needs
from trainsense.executors.ray.pool import RayPool
from trainsense.executors.worker import Assignment
from trainsense.records.trial import Trial

torch.set_num_threads(1)
pool = RayPool(
    Assignment(target="elsewhere.py", folder=str(Path.cwd()), lr=None, device="cpu", seed=0), Needs(), cores=1, jobs=1
)
(run,) = pool.run([Trial(lr=0.01, seed=0, steps=30)])
pool.close()
print(pool.text, run.outcome.text)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("ray")
    (made / "pooled.py").write_text(WORKLOAD, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def pool(folder: Path) -> Iterator[RayPool]:
    assignment = Assignment(target=str(folder / "pooled.py"), folder=str(folder), lr=None, device="cpu", seed=0)
    made = RayPool(assignment, Needs(), cores=4, jobs=2)
    yield made
    made.close()


def test_a_worker_trains_as_this_process_does(pool: RayPool, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Bit for bit: batches, dropout, scores and divergences; and what is printed there stays there."""
    trials = [trial(lr, seed) for lr in (0.01, 0.3, 1e4) for seed in (0, 1)]
    with torch.random.fork_rng():
        bench = prepare(load(str(folder / "pooled.py")).workload, torch.device("cpu"), 0)
        here = by_trial(InProcess(bench).run(trials))
    capfd.readouterr()
    there = by_trial(pool.run(trials))
    assert_same(here, there)
    assert isinstance(there[trial(1e4).content()].outcome, Diverged)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert pool.text == "2 workers on a Ray of this machine's own, 1 CPU for each"


def test_another_process_joins_by_its_address(pool: RayPool, tmp_path: Path) -> None:
    """It brings the workload's folder along, but not its runs."""
    assert list(pool.run([trial(0.01)]))
    (tmp_path / "elsewhere.py").write_text(ELSEWHERE, encoding="utf-8")
    (tmp_path / "neighbour.py").write_text("ROWS = 16", encoding="utf-8")
    (tmp_path / "rows.txt").write_text("16", encoding="utf-8")
    (tmp_path / ".trainsense").mkdir()
    address = pool._session._ray.get_runtime_context().gcs_address
    environment = os.environ | {"RAY_ADDRESS": address, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-W", "error", "-c", JOINING]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    assert ended.stdout == "1 worker on the Ray cluster of RAY_ADDRESS, 1 CPU for each ran to the end\n"


def test_a_killed_worker_loses_nothing(pool: RayPool, capfd: pytest.CaptureFixture[str]) -> None:
    """Its trial is run again, the others are not touched; the user's own error comes with its traceback."""
    trials = [trial(lr) for lr in (ONCE, 0.02, RAISING)]
    runs = by_trial(pool.run(trials))
    for lr in (ONCE, 0.02):
        assert isinstance(runs[trial(lr).content()].outcome, Completed)
    raised = runs[trial(RAISING).content()].outcome
    assert isinstance(raised, Crashed)
    assert "ValueError: no such luck" in raised.text
    assert "pooled.py" in raised.user_traceback
    assert capfd.readouterr().out == ""


def test_what_ends_a_diagnosis_ends_it_from_a_worker(pool: RayPool) -> None:
    """With the user's traceback, as in this process."""
    with pytest.raises(BatchSourceError, match="the disk is gone") as raised:
        list(pool.run([trial(UNREADABLE, 7)]))
    assert "pooled.py" in raised.value.user_traceback


def test_nothing_is_left_of_it(pool: RayPool) -> None:
    """No process, no file, no variable; what another has initialised would stay."""
    assert list(pool.run([trial(0.01)]))
    folder = pool._session._folder
    assert folder is not None
    beside = RayPool(replace(pool._assignment), Needs(), cores=4, jobs=1)
    beside.close()
    assert list(pool.run([trial(0.02)]))
    pool.close()
    assert not folder.exists()
    assert not [name for name in os.environ if name.startswith("RAY_")]
    deadline = time.monotonic() + 10
    while _mentioning(str(folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _mentioning(str(folder)) == []


def _mentioning(text: str) -> list[str]:
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if text in line]
