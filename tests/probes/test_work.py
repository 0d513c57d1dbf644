"""The work of a loss, counted."""

import time

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainsense.probes.work import Work, work_of

CPU = torch.device("cpu")
ROWS = torch.linspace(-1.0, 1.0, 64 * 32).reshape(64, 32)


def test_products_are_counted() -> None:
    """Two flops for each weight and row; every result's elements; the same each time."""
    net = nn.Linear(32, 16)
    one, two = (work_of(lambda: net(ROWS).square().mean(), CPU) for _ in range(2))
    assert one == two
    assert one.flops == 2 * 64 * 32 * 16
    assert one.elements >= 64 * 16 + 64 * 16 + 1
    assert one.operations >= 3
    assert one.else_seconds == 0.0
    deeper = nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 16))
    assert work_of(lambda: deeper(ROWS).square().mean(), CPU).seconds > one.seconds


def test_what_is_no_operation_of_torchs_shows_in_its_time() -> None:
    """Where it is most of all."""

    def simulated() -> Tensor:
        end = time.thread_time() + 0.05
        while time.thread_time() < end:
            pass
        return functional.mse_loss(nn.Linear(32, 1)(ROWS), ROWS[:, :1])

    assert work_of(simulated, CPU).seconds > 0.05


def test_an_accelerator_is_faster_at_arithmetic_alone() -> None:
    """Starting an operation takes as long."""
    cpu, cuda = (Work(operations=10, flops=10**12, elements=10**9, device=kind) for kind in ("cpu", "cuda"))
    assert cpu.seconds > 100 * cuda.seconds
    assert Work(operations=10, flops=0, elements=0, device="cuda").seconds == pytest.approx(15e-5)
