"""The command line run in this process, with everything that it writes captured."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from trainsense.cli.main import run

GOOD_WORKLOAD = """
import torch
from torch import nn
from trainsense import Workload

def model(): return nn.Linear(2, 1)
def data(): return [(torch.randn(8, 2), torch.randn(8, 1)) for _ in range(4)]
def loss(net, batch): return ((net(batch[0]) - batch[1]) ** 2).mean()
"""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What a command left behind."""

    status: int
    out: str
    err: str


RunCli = Callable[..., Ended]


@pytest.fixture
def run_cli(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunCli]:
    """Yield a function that runs `trainsense ARGUMENTS` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    def ended(*arguments: str) -> Ended:
        status = run(arguments)
        captured = capfd.readouterr()
        return Ended(status=status, out=captured.out, err=captured.err)

    yield ended
    torch.set_num_threads(threads)
