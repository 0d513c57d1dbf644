"""Which engine runs the trials: measured threads against worker processes, and what speaks against either."""

from pathlib import Path

import pytest
import torch

from trainsense.diagnosis import engine
from trainsense.diagnosis.engine import ChosenEngine, chosen_engine
from trainsense.diagnosis.first_look import FirstKnown
from trainsense.executors.in_process import InProcess
from trainsense.executors.process_pool import ProcessPool
from trainsense.records.budget import STEP_PRICES
from trainsense.records.evidence import Missing
from trainsense.records.request import BudgetLimit, Command, Request
from trainsense.runners.bench import prepare
from trainsense.workload.load import load

WORKLOAD = """
import torch
from torch import nn
from trainsense import Workload

workload = Workload(
    model=lambda: nn.Linear(2, 1),
    data=lambda: (torch.ones(4, 2) for _ in range(9)),
    loss=lambda net, batch: net(batch).square().mean(),
    lr=0.1,
)
"""
UNLIMITED = BudgetLimit(amount=float("inf"), unit="steps")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a workload's file; no worker is started for it, and two cores are there."""
    monkeypatch.setattr(ProcessPool, "begin", lambda _: None)
    monkeypatch.setattr(engine, "cores", lambda: 2)
    monkeypatch.setattr(engine, "stacked_where_it_pays", lambda _bench, one_by_one, *_, **__: one_by_one)
    made = tmp_path / "linear.py"
    made.write_text(WORKLOAD, encoding="utf-8")
    return made


def chosen(
    file: Path, *, step: float, speedup: float = 1.0, command: Command = "sweep-lr", budget: BudgetLimit = UNLIMITED
) -> ChosenEngine:
    """Choose for a workload whose steps take so many seconds on one thread, and go so many times as fast on two."""
    threads = torch.get_num_threads()
    loaded = load(str(file))
    look = FirstKnown(
        setup=Missing(kind="Setup", reason="not looked"),
        prices=STEP_PRICES,
        steps=0,
        step_seconds=step,
        threads=2 if speedup > 1 else 1,
        speedup=speedup,
    )
    try:
        bench = prepare(loaded.workload, torch.device("cpu"), 0)
        return chosen_engine(loaded, bench, Request(command=command, budget=budget), look)
    finally:
        torch.set_num_threads(threads)


def test_workers_where_much_is_ahead(file: Path) -> None:
    """On one thread each."""
    one = chosen(file, step=0.03)
    assert isinstance(one.executor, ProcessPool)
    assert one.text.startswith("processes: 2 workers, one thread each")


def test_threads_that_beat_workers(file: Path) -> None:
    """Twice as fast on two threads; a third faster is less than a second worker brings."""
    fast, slow = chosen(file, step=0.03, speedup=2.0), chosen(file, step=0.03, speedup=1.3)
    assert isinstance(fast.executor, InProcess)
    assert "2.0 times as fast" in fast.text
    assert isinstance(slow.executor, ProcessPool)
    assert slow.executor.pace < chosen(file, step=0.03).executor.pace


def test_little_ahead(file: Path) -> None:
    """Workers take longer to come up than they save."""
    assert isinstance(chosen(file, step=0.001).executor, InProcess)
    assert isinstance(chosen(file, step=0.001, command="diagnose").executor, ProcessPool)
    short = BudgetLimit(amount=60.0, unit="seconds")
    assert "budget is too short" in chosen(file, step=0.03, budget=short).text
