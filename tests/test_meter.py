"""What the meter records, against figures computed by hand."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

from trainsense.meter import Meter


def model() -> nn.Module:
    """Return a layer with known weights and one frozen parameter."""
    net = nn.Sequential(nn.Linear(2, 1), nn.Linear(1, 1))
    with torch.no_grad():
        for value, parameter in enumerate(net.parameters()):
            parameter.fill_(value + 1.0)
    net[1].requires_grad_(requires_grad=False)
    net[1].weight.requires_grad = True
    return net


def test_the_norm_is_measured_and_nothing_rewritten() -> None:
    """It equals what clipping returns, and the gradients stay bit for bit."""
    net = model()
    net(torch.tensor([[1.0, 2.0]])).sum().backward()
    before = [parameter.grad.clone() for parameter in net.parameters() if parameter.grad is not None]
    meter = Meter(net, 2)
    norm = float(meter.gradient_norm())
    after = [parameter.grad for parameter in net.parameters() if parameter.grad is not None]
    assert all(torch.equal(one, two) for one, two in zip(before, after, strict=True))
    assert norm == float(clip_grad_norm_(net.parameters(), 1e9))
    assert len(meter.parameters) == 3


def test_a_model_without_gradients_has_norm_zero() -> None:
    """As torch says."""
    assert float(Meter(model(), 1).gradient_norm()) == 0


def test_update_and_ratio() -> None:
    """Over all trainable parameters; the frozen one counts in neither. At every tenth step and at the last."""
    net = model()
    meter = Meter(net, 13)
    for step in range(13):
        with torch.no_grad():
            next(net.parameters()).copy_(torch.tensor([[1.0, 2.0]]))
        meter.before_update(step)
        with torch.no_grad():
            next(net.parameters()).add_(torch.tensor([[3.0, 4.0]]))
        assert meter.after_update(step) == pytest.approx(5.0 if step in {0, 10, 12} else 0.0)
    trace = meter.trace(13)
    assert np.flatnonzero(np.isfinite(trace.update_norm)).tolist() == [0, 10, 12]
    assert trace.update_norm[10] == pytest.approx(5.0)
    assert trace.update_ratio[10] == pytest.approx(5.0 / math.sqrt(1 + 4 + 4 + 9))


def test_weights_that_are_all_zero_have_no_ratio() -> None:
    """Not a division by zero."""
    net = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(net.weight)
    meter = Meter(net, 1)
    meter.before_update(0)
    with torch.no_grad():
        net.weight.add_(1.0)
    meter.after_update(0)
    assert math.isnan(meter.trace(1).update_ratio[0])


def test_a_trace_is_a_copy() -> None:
    """Later steps do not reach into it."""
    meter = Meter(model(), 2)
    meter.record(0, loss=1.0, lr=0.1)
    trace = meter.trace(1)
    meter.record(0, loss=2.0)
    assert trace.loss.tolist() == [1.0]
    assert len(trace) == 1
    assert np.isnan(trace.eval_loss).all()


def test_parameters_of_several_types() -> None:
    """Half and single precision side by side."""
    net = nn.Sequential(nn.Linear(2, 1), nn.Linear(2, 1).to(torch.bfloat16))
    meter = Meter(net, 1)
    meter.before_update(0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(1.0)
    assert meter.after_update(0) == pytest.approx(math.sqrt(6), rel=0.02)
