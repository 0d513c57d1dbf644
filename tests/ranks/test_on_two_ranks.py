"""Two ranks of gloo on this machine: the losses of one process, global norms, one report, one status."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.acceptance.process import executions
from tests.ranks.started import ended_on_ranks, needs_gloo, on_ranks
from trainsense.diagnosis import run_diagnosis
from trainsense.ranks.joining import joined_after
from trainsense.records.request import BudgetLimit, Request
from trainsense.records.trial import Trial
from trainsense.runners.bench import prepare
from trainsense.runners.sequential import run_trial
from trainsense.workload.load import load

pytestmark = needs_gloo

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "recipes"
COLUMNS = ("loss", "grad_norm", "clipped", "update_norm", "update_ratio", "probe_loss")
TRIALS = (
    Trial(lr=0.003, seed=0, steps=12, probe_every=4),
    Trial(lr=0.003, seed=1, steps=12, clip_norm=0.5, warmup_steps=5),
)

FAULTY = """
import os
import signal
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel
import trainsense.ranks.joining
from trainsense import Workload
from datetime import timedelta

trainsense.ranks.joining.FAREWELL = timedelta(seconds=1)
print("noise")
LR = [0.0]

def model():
    return DistributedDataParallel(nn.Linear(3, 1))

def data():
    for _ in range(6):
        rows = torch.randn(16, 3)
        yield rows, rows.sum(dim=1, keepdim=True).sin()

def second():
    return distributed.get_rank() == 1

def broken(gradient):
    raise ValueError("backward broke")

def loss(net, batch):
    if second() and WHERE == "loss" and LR[0] > 0.2:
        raise ValueError("no such label")
    if WHERE == "interrupted" and LR[0] > 0.2 and not second():
        os.kill(os.getpid(), signal.SIGINT)
    value = nn.functional.mse_loss(net(batch[0]), batch[1])
    if second() and WHERE == "backward":
        value.register_hook(broken)
    return value

def optimizer(net, lr):
    LR[0] = lr
    return torch.optim.SGD(net.parameters(), lr=lr)

WHERE = "{where}"
workload = Workload(model=model, data=data, loss=loss, optimizer=optimizer, lr=0.05)
"""


def train(recipe: Path, file: Path) -> None:
    """Train the trials on this rank with the others, if there are any; rank 0 writes down what it recorded."""
    with joined_after(lambda: load(str(recipe)).workload, "cpu") as (workload, ranks):
        torch.set_num_threads(1)
        with ranks.together():
            bench = prepare(workload, torch.device("cpu"), 0, ranks)
        runs = [run_trial(bench, trial) for trial in TRIALS]
        if ranks.first:
            figures = {(number, name): getattr(run.trace, name) for number, run in enumerate(runs) for name in COLUMNS}
            np.savez(file, **{f"{name} of trial {number}": values for (number, name), values in figures.items()})


@pytest.mark.parametrize("recipe", ["data_parallel.py", "fully_sharded.py"])
def test_two_ranks_record_what_one_process_does(recipe: str, tmp_path: Path) -> None:
    """With half the batch each: a rank of FSDP2 holds half of the squares that a norm is made of."""
    train(RECIPES / recipe, tmp_path / "alone.npz")
    ended = on_ranks(tmp_path, train, RECIPES / recipe, tmp_path / "together.npz")
    assert [one.status for one in ended] == [0, 0], ended
    alone, together = np.load(tmp_path / "alone.npz"), np.load(tmp_path / "together.npz")
    for figure in alone.files:
        np.testing.assert_allclose(together[figure], alone[figure], rtol=1e-5, atol=1e-7, err_msg=figure)
    assert alone["clipped of trial 1"].sum() > 0


def test_torchrun_gives_one_report_with_the_best_lr_of_one_process(tmp_path: Path) -> None:
    """Its standard output is one JSON document; the trials are stored once; findings fail it."""
    limits = ("--lr", "3", "--steps", "20", "--budget", "250steps", "--run-dir", "kept", "--format", "json")
    torchrun = (
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
        "--standalone",
        "-m",
        "trainsense",
    )
    ended = subprocess.run(
        [*torchrun, "sweep-lr", str(RECIPES / "data_parallel.py"), *limits],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr.count("Kept in kept") == 1
    report = json.loads(ended.stdout)
    assert report["provenance"]["engine"] == "2 ranks train each trial together (torchrun)"
    assert set(executions(tmp_path / "kept")) == {1}
    request = Request(command="sweep-lr", lr=3.0, steps=20, budget=BudgetLimit(amount=250, unit="steps"), device="cpu")
    alone = run_diagnosis(load(str(RECIPES / "data_parallel.py")), request).report
    assert [one["rule"] for one in report["findings"]] == [one.rule for one in alone.findings]
    assert report["stages"]["sweep_lr"]["best_lr"] == alone.stages["sweep_lr"]["best_lr"]


def test_what_one_rank_raises_ends_the_trial_on_all(tmp_path: Path) -> None:
    """Above some learning rate its loss fails: a crash of that trial, told with the rank."""
    (tmp_path / "faulty.py").write_text(FAULTY.replace("{where}", "loss"), encoding="utf-8")
    first, second = ended_on_ranks(tmp_path, "sweep-lr", "faulty.py", "--steps", "20", "--budget", "200steps")
    assert (first.status, second.out, second.err) == (second.status, "", ""), first.err + second.err
    assert first.status in (0, 1), first.err
    assert (
        "rank 1: Workload.loss raised ValueError: no such label"
        in (tmp_path / ".trainsense/faulty/trials.csv").read_text()
    )


def test_a_rank_that_fails_within_a_step_frees_the_others(tmp_path: Path) -> None:
    """They wait for its gradients: it tells why it goes, and goes."""
    (tmp_path / "faulty.py").write_text(FAULTY.replace("{where}", "backward"), encoding="utf-8")
    first, second = ended_on_ranks(tmp_path, "sweep-lr", "faulty.py")
    assert (first.status, second.status) == (2, 2), first.err + second.err
    for one in (first, second):
        assert "Rank 1 failed by itself" in one.err
        assert "backward broke" in one.err
    assert 'in broken\n    raise ValueError("backward broke")' in second.err
    assert (first.out, second.out) == ("", "")


def test_an_interruption_ends_all_ranks_at_the_same_step(tmp_path: Path) -> None:
    """Rank 0 reports what was measured so far."""
    (tmp_path / "faulty.py").write_text(FAULTY.replace("{where}", "interrupted"), encoding="utf-8")
    first, second = ended_on_ranks(tmp_path, "sweep-lr", "faulty.py", "--steps", "20", "--budget", "200steps")
    assert (first.status, second.status, second.err) == (130, 130, ""), first.err
    assert "Interrupted: this is what was measured so far." in first.out


def test_an_engine_of_single_processes_is_refused_once(tmp_path: Path) -> None:
    """Once, by rank 0."""
    first, second = ended_on_ranks(tmp_path, "sweep-lr", str(RECIPES / "data_parallel.py"), "--engine", "processes")
    assert (first.status, second.status, second.err) == (2, 2, "")
    assert first.err.startswith("Error: --engine processes trains each trial in one process, and torchrun started 2 ")
