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
from trainsense.api import sweep_lr
from trainsense.ranks.joining import joined_after
from trainsense.ranks.place import place_of
from trainsense.records.request import BudgetLimit
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
    return nn.Linear(3, 1) if WHERE == "unwrapped" else DistributedDataParallel(nn.Linear(3, 1))

def data():
    for _ in range(6):
        rows = torch.randn(16, 3) + (second() and WHERE == "unwrapped")
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


def sweep(file: Path) -> None:
    """Sweep through the API and write down the best learning rate and the findings: every rank is given the diagnosis."""
    options = {"lr": 3.0, "steps": 20, "budget": BudgetLimit(amount=250, unit="steps"), "device": "cpu"}
    report = sweep_lr(load(str(RECIPES / "data_parallel.py")).workload, **options).report  # type: ignore[arg-type]
    found = {"best": report.stages["sweep_lr"]["best_lr"], "rules": [one.rule for one in report.findings]}
    file.with_suffix(f".{place_of().rank}").write_text(json.dumps(found), encoding="utf-8")


def test_the_diagnosis_is_that_of_one_process(tmp_path: Path) -> None:
    """The same best learning rate and the same findings, on every rank."""
    sweep(tmp_path / "alone")
    ended = on_ranks(tmp_path, sweep, tmp_path / "together")
    assert [one.status for one in ended] == [0, 0], ended
    names = ("alone.0", "together.0", "together.1")
    alone, first, second = (json.loads((tmp_path / name).read_text()) for name in names)
    assert alone == first == second
    assert "lr-too-high" in alone["rules"]


def test_torchrun_prints_and_keeps_one_report(tmp_path: Path) -> None:
    """Its standard output is one JSON document; the trials are stored once."""
    torchrun = "-m torch.distributed.run --nproc-per-node 2 --standalone -m trainsense sweep-lr"
    limits = "--steps 20 --budget 80steps --run-dir kept --format json"
    ended = subprocess.run(
        [sys.executable, *torchrun.split(), str(RECIPES / "data_parallel.py"), *limits.split()],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("Kept in kept") == 1
    assert json.loads(ended.stdout)["provenance"]["engine"] == "2 ranks train each trial together (torchrun)"
    assert set(executions(tmp_path / "kept")) == {1}


def test_what_one_rank_raises_ends_the_trial_on_all(tmp_path: Path) -> None:
    """Above some learning rate its loss fails: a crash of that trial, told with the rank."""
    (tmp_path / "faulty.py").write_text(FAULTY.replace("{where}", "loss"), encoding="utf-8")
    first, second = ended_on_ranks(tmp_path, "sweep-lr", "faulty.py", "--steps", "20", "--budget", "200steps")
    assert (first.status, second.out, second.err) == (second.status, "", ""), first.err + second.err
    assert first.status in (0, 1), first.err
    assert "Warning: All ranks read the same batches" in first.err
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


def test_ranks_that_train_a_model_each_are_warned_of(tmp_path: Path) -> None:
    """Nobody wrapped the model. Preflight itself says that it takes one process."""
    (tmp_path / "faulty.py").write_text(FAULTY.replace("{where}", "unwrapped"), encoding="utf-8")
    first, second = ended_on_ranks(tmp_path, "preflight", "faulty.py")
    assert (first.status, second.status, second.err) == (0, 0, ""), first.err
    assert "Warning: The ranks have different gradients after the backward pass" in first.err
    assert "without torchrun" in first.out


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
