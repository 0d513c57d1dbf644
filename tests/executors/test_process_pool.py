"""Worker processes train as the loop in this process does, and a dead one costs its own trial."""

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.executors.pooled import DEADLY, ONCE, RAISING, UNREADABLE, WORKLOAD, assert_same, by_trial, trial
from trainsense.errors import BatchSourceError, WorkloadError
from trainsense.executors.in_process import InProcess
from trainsense.executors.process_pool import ProcessPool
from trainsense.executors.worker import Assignment
from trainsense.records.outcome import Completed, Crashed, Diverged
from trainsense.runners.bench import prepare
from trainsense.workload.load import load


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pool")
    (made / "pooled.py").write_text(WORKLOAD, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def assignment(folder: Path) -> Assignment:
    return Assignment(target=str(folder / "pooled.py"), folder=str(folder), lr=None, device="cpu", seed=0)


@pytest.fixture(scope="module")
def pool(assignment: Assignment) -> Iterator[ProcessPool]:
    made = ProcessPool(assignment, 2)
    yield made
    made.close()


def test_a_worker_trains_as_this_process_does(pool: ProcessPool, folder: Path) -> None:
    """Bit for bit: batches, dropout, scores and divergences."""
    trials = [trial(lr, seed) for lr in (0.01, 0.3, 1e4) for seed in (0, 1)]
    with torch.random.fork_rng():
        bench = prepare(load(str(folder / "pooled.py")).workload, torch.device("cpu"), 0)
        here = by_trial(InProcess(bench).run(trials))
    there = by_trial(pool.run(trials))
    assert_same(here, there)
    assert isinstance(there[trial(1e4).content()].outcome, Diverged)


def test_a_worker_that_dies_costs_its_trial_only(pool: ProcessPool) -> None:
    """It is tried again once; what waits behind it is run by others."""
    trials = [trial(lr) for lr in (DEADLY, 0.01, ONCE, 0.02, 0.03, RAISING)]
    runs = by_trial(pool.run(trials))
    assert len(runs) == len(trials)
    dead = runs[trial(DEADLY).content()].outcome
    assert isinstance(dead, Crashed)
    assert "killed by signal 9" in dead.text
    raised = runs[trial(RAISING).content()].outcome
    assert isinstance(raised, Crashed)
    assert "ValueError: no such luck" in raised.text
    assert "pooled.py" in raised.user_traceback
    for lr in (0.01, 0.02, 0.03, ONCE):
        assert isinstance(runs[trial(lr).content()].outcome, Completed)


def test_an_interruption_leaves_a_pool_that_works(pool: ProcessPool) -> None:
    """Trials in hand are given up with their workers."""
    runs = pool.run([trial(0.01 + 1e-4 * count, 5) for count in range(8)])
    assert next(runs).completed
    del runs
    assert [run.completed for run in pool.run([trial(0.01)])] == [True]


def test_what_ends_a_diagnosis_ends_it_from_a_worker(assignment: Assignment) -> None:
    """With the user's traceback, as in this process."""
    for target, error, text in (
        ("missing.py", WorkloadError, "missing.py"),
        (assignment.target, BatchSourceError, "the disk is gone"),
    ):
        failing = ProcessPool(replace(assignment, target=target), 1)
        with pytest.raises(error, match=text):
            list(failing.run([trial(UNREADABLE, 7)]))
        failing.close()


def test_no_worker_outlives_its_pool(assignment: Assignment) -> None:
    """Nor does an idle one."""
    short = ProcessPool(assignment, 1)
    assert [run.completed for run in short.run([trial(0.01)])] == [True]
    (process,) = [worker.process for worker in short._workers]
    short.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid or 0, 0)


SCRIPT = """
print("read")
from trainsense.executors.process_pool import ProcessPool
from trainsense.executors.worker import Assignment
from trainsense.records.trial import Trial

pool = ProcessPool(Assignment(target="pooled.py", folder=".", lr=None, device="cpu", seed=0), 1)
print([run.outcome.text for run in pool.run([Trial(lr=0.01, seed=0, steps=3)])])
pool.close()
"""


def test_a_script_that_diagnoses_as_it_is_read_is_read_once(folder: Path) -> None:
    """A worker imports nothing of the program that started it; else it would start workers itself."""
    (folder / "script.py").write_text(SCRIPT, encoding="utf-8")
    command = [sys.executable, "-W", "ignore", "script.py"]
    told = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=120, check=False)
    assert told.stdout.splitlines() == ["read", "['ran to the end']"], told.stderr


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs the GNU C library")
@pytest.mark.parametrize(("settings", "kept"), [({}, "True"), ({"MALLOC_TRIM_THRESHOLD_": "1000000"}, "False")])
def test_a_process_keeps_freed_memory_unless_the_user_decided(settings: dict[str, str], kept: str) -> None:
    """In a process of its own: the setting lasts."""
    asked = "from trainsense.executors.allocator import keep_freed_memory; print(keep_freed_memory())"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")} | settings
    command = [sys.executable, "-c", asked]
    told = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert told.stdout.strip() == kept
