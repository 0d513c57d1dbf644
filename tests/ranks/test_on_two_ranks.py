"""Two ranks of gloo on this machine: the losses of one process, global norms, one report, one status."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.acceptance.process import executions
from tests.ranks.started import ended_on_ranks, needs_gloo, on_ranks
from trainsense.cli.main import run
from trainsense.ranks.joining import joined_after
from trainsense.records.trial import Trial
from trainsense.runners.bench import prepare
from trainsense.runners.sequential import run_trial
from trainsense.workload.load import load

pytestmark = needs_gloo

RECIPES = Path(__file__).parents[2] / "recipes"
COLUMNS = ("loss", "grad_norm", "clipped", "update_norm", "update_ratio", "probe_loss")
TRIALS = (
    Trial(lr=0.003, seed=0, steps=12, probe_every=4),
    Trial(lr=0.003, seed=1, steps=12, clip_norm=0.5, warmup_steps=5),
)

FAULTY = """
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


def test_rank_0_alone_reports_and_all_end_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report of one process, once, with the same best learning rate; and its status."""
    command = ("sweep-lr", str(RECIPES / "data_parallel.py"), "--lr", "3", "--steps", "20", "--budget", "300steps")
    first, second = ended_on_ranks(tmp_path, *command, "--run-dir", "kept", "--format", "json")
    assert (first.status, second.status) == (1, 1), first.err + second.err
    assert (second.out, second.err) == ("", "")
    report = json.loads(first.out)
    assert report["provenance"]["engine"] == "2 ranks train each trial together (torchrun)"
    monkeypatch.chdir(tmp_path)
    run([*command, "--run-dir", "alone", "--engine", "sequential", "--output", "json=alone.json"])
    alone = json.loads((tmp_path / "alone.json").read_text())
    assert [one["rule"] for one in alone["findings"]] == [one["rule"] for one in report["findings"]]
    assert report["stages"]["sweep_lr"]["best_lr"] == pytest.approx(alone["stages"]["sweep_lr"]["best_lr"])
    assert set(executions(tmp_path / "kept")) == {1}


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


def test_an_engine_of_single_processes_is_refused(tmp_path: Path) -> None:
    """Once, by rank 0."""
    first, second = ended_on_ranks(tmp_path, "sweep-lr", str(RECIPES / "data_parallel.py"), "--engine", "processes")
    assert (first.status, second.status, second.err) == (2, 2, "")
    assert first.err.startswith("Error: --engine processes trains each trial in one process, and torchrun started 2 ")
