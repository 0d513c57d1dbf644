"""Worker processes train as the loop in this process does, and a dead one costs its own trial."""

import os
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
