"""What the meter records, against figures computed by hand."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

from trainsense.meter import GradientFigures, Meter, UpdateFigures


def model() -> nn.Module:
    """Return a layer with known weights and one frozen parameter."""
    net = nn.Sequential(nn.Linear(2, 1), nn.Linear(1, 1))
    with torch.no_grad():
        for value, parameter in enumerate(net.parameters()):
            parameter.fill_(value + 1.0)
    net[1].requires_grad_(requires_grad=False)
    net[1].weight.requires_grad = True
    return net


def written(meter: Meter) -> None:
    """Read the updates back and record them."""
    for figure in meter.read_back():
        assert isinstance(figure, UpdateFigures)
        meter.record(figure.step, update_norm=figure.norm, update_ratio=figure.ratio)


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
        meter.after_update(step)
        written(meter)
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
    written(meter)
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
    meter.after_update(0)
    assert [figure.norm for figure in meter.read_back()] == [pytest.approx(math.sqrt(6), rel=0.02)]


def kept_steps(meter: Meter, net: nn.Module, steps: int) -> None:
    """Measure steps whose two batches have the losses `step` and `step + 1`."""
    for step in range(steps):
        for loss in (float(step), step + 1.0):
            meter.add_loss(torch.tensor(loss, requires_grad=True))
        net.zero_grad()
        net(torch.tensor([[1.0, 2.0]])).sum().backward()
        meter.keep_gradient(step, meter.gradient_norm())
        meter.before_update(step)
        meter.after_update(step)


def test_a_block_is_read_in_its_order() -> None:
    """Each step's gradient, then its update where it is measured; what was read is gone."""
    net = model()
    meter = Meter(net, 12, 12)
    kept_steps(meter, net, 11)
    assert meter.full
    found = meter.read_back()
    assert [figure.step for figure in found] == [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10]
    gradients = [figure for figure in found if isinstance(figure, GradientFigures)]
    assert [figure.loss for figure in gradients] == [step + 0.5 for step in range(11)]
    assert all(figure.norm == gradients[0].norm > 0 for figure in gradients)
    updates = [figure for figure in found if isinstance(figure, UpdateFigures)]
    assert [(figure.step, figure.norm, figure.ratio) for figure in updates] == [(0, 0.0, 0.0), (10, 0.0, 0.0)]
    assert meter.read_back() == []
    assert not meter.full


@pytest.mark.parametrize("losses", [torch.bfloat16, torch.float32, torch.float64])
def test_a_device_is_read_once_for_a_block(losses: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures of all types in one copy, with the numbers that they have one by one."""
    copies: list[int] = []
    to_list = torch.Tensor.tolist

    def counted(tensor: torch.Tensor) -> object:
        copies.append(tensor.numel())
        return to_list(tensor)

    net = model()
    beside, meter = Meter(net, 4), Meter(net, 4, 4)
    monkeypatch.setattr(Meter, "_waits", property(lambda own: own is meter))
    for step in range(4):
        for one in (beside, meter):
            one.add_loss(torch.tensor(1.0 + step / 3, dtype=losses))
            one.keep_gradient(step, torch.tensor(2.0 + step / 3))
    expected = beside.read_back()
    assert not copies
    monkeypatch.setattr(torch.Tensor, "tolist", counted)
    assert meter.read_back() == expected
    assert copies == [8]


def test_a_loss_that_is_overwritten() -> None:
    """As a compiled loss does: the block keeps what it was."""
    net = model()
    meter = Meter(net, 3, 3)
    loss = torch.zeros(())
    for step in range(3):
        loss.fill_(step)
        meter.add_loss(loss)
        meter.keep_gradient(step, torch.ones(()))
    assert [figure.loss for figure in meter.read_back() if isinstance(figure, GradientFigures)] == [0.0, 1.0, 2.0]
