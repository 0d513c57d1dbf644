"""The model is left exactly as it was."""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from trainsense.probes.modes import evaluation_mode, probe_mode

Mode = Callable[[nn.Module], AbstractContextManager[None]]
MODES: list[Mode] = [evaluation_mode, lambda model: probe_mode(model, 8), lambda model: probe_mode(model, 1)]


def model() -> nn.Module:
    """Return a model with everything that keeps state, one part of it in evaluation mode."""
    net = nn.Sequential(
        nn.Conv1d(2, 4, 1),
        nn.BatchNorm1d(4),
        nn.InstanceNorm1d(4, track_running_stats=True),
        nn.BatchNorm1d(4, track_running_stats=False),
        nn.Dropout(0.5),
    )
    net[1].eval()
    return net


def flags(net: nn.Module) -> list[tuple[bool, Any]]:
    """Return every mode flag."""
    return [(module.training, getattr(module, "track_running_stats", None)) for module in net.modules()]


@pytest.mark.parametrize("mode", MODES, ids=["evaluation", "probe", "probe of one"])
@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_everything_is_put_back(mode: Mode, error: type[BaseException] | None) -> None:
    """Flags, buffers, generators and gradient mode, whatever is raised inside."""
    net = model()
    modes, state = flags(net), {name: value.clone() for name, value in net.state_dict().items()}
    generators = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()  # type: ignore[index]
    expected = nullcontext() if error is None else pytest.raises(error)
    with expected, mode(net):
        assert not torch.is_grad_enabled()
        net(torch.randn(8, 2, 3))
        random.random()
        np.random.standard_normal()
        if error is not None:
            raise error
    assert torch.is_grad_enabled()
    assert flags(net) == modes
    assert all(torch.equal(value, state[name]) for name, value in net.state_dict().items())
    assert random.getstate() == generators[0]
    assert np.random.get_state()[1].tolist() == generators[1]  # type: ignore[index]
    assert torch.equal(torch.get_rng_state(), generators[2])


def test_probes_normalise_by_the_batch() -> None:
    """While evaluation uses the running statistics, which lag behind."""
    net = nn.BatchNorm1d(1)
    rows = torch.tensor([[10.0], [20.0], [30.0]])
    with probe_mode(net, 3):
        assert float(net(rows).mean()) == pytest.approx(0, abs=1e-6)
    with evaluation_mode(net):
        assert float(net(rows).mean()) == pytest.approx(20, rel=1e-3)
    with probe_mode(net, 1):
        assert float(net(rows[:1])) == pytest.approx(10, rel=1e-3)


def test_dropout_is_off() -> None:
    """In both."""
    net = nn.Dropout(0.5)
    for mode in MODES:
        with mode(net):
            assert torch.equal(net(torch.ones(50)), torch.ones(50))
