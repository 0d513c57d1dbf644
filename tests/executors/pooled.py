"""What every engine of worker processes is tried on: a workload with a trial for each kind of trouble."""

from collections.abc import Iterable, Mapping

import numpy as np

from trainsense.records.run import Run
from trainsense.records.trace import COLUMNS
from trainsense.records.trial import Trial

WORKLOAD = """
import os
import signal
import torch
from torch import nn
from trainsense import Workload

DEADLY, ONCE, RAISING, UNREADABLE = 0.013, 0.017, 0.019, 0.023
LR = [0.0]

def model():
    return nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.1), nn.Tanh(), nn.Linear(8, 1))

def data():
    for _ in range(6):
        if LR[0] == UNREADABLE:
            raise OSError("the disk is gone")
        rows = torch.randn(16, 3)
        yield rows, rows.sum(dim=1, keepdim=True).sin()

def loss(net, batch):
    print("noise")
    if LR[0] == RAISING:
        raise ValueError("no such luck")
    return nn.functional.mse_loss(net(batch[0]), batch[1])

def optimizer(net, lr):
    LR[0] = lr
    if lr == DEADLY or (lr == ONCE and not os.path.exists("died")):
        open("died", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return torch.optim.SGD(net.parameters(), lr=lr)

workload = Workload(model=model, data=data, loss=loss, optimizer=optimizer, lr=0.05, eval_data=data)
"""
DEADLY, ONCE, RAISING, UNREADABLE = 0.013, 0.017, 0.019, 0.023


def trial(lr: float, seed: int = 0) -> Trial:
    """Return a trial of the workload."""
    return Trial(lr=lr, seed=seed, steps=30, probe_every=5, stop_loss=1e3)


def by_trial(runs: Iterable[Run]) -> dict[str, Run]:
    """Return the runs by what was asked for."""
    return {run.trial.content(): run for run in runs}


def assert_same(here: Mapping[str, Run], there: Mapping[str, Run]) -> None:
    """Fail unless the runs are the same bit for bit, but for how long they took."""
    assert here.keys() == there.keys()
    for key, run in here.items():
        other = there[key]
        assert run.outcome == other.outcome
        assert (run.score, run.initial_loss, run.final_probe_loss) == (
            other.score,
            other.initial_loss,
            other.final_probe_loss,
        )
        for column in COLUMNS:
            np.testing.assert_array_equal(getattr(run.trace, column), getattr(other.trace, column))
