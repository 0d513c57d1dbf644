"""Slopes along gradients, and losses that reward errors."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.rules.setup.test_cannot_overfit_batch import FlippedReLU
from trainsense.probes.structure import live_loss
from trainsense.probes.uphill import maximised_errors, parameter_slopes

X = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))


def squared_error(model: nn.Module) -> Tensor:
    return functional.mse_loss(model(X), X.sum(1, keepdim=True))


def test_right_gradients_are_not_looked_at_one_by_one() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    before = [parameter.clone() for parameter in model.parameters()]
    assert parameter_slopes(model, squared_error, 24) == {}
    assert all(torch.equal(one, two) for one, two in zip(before, model.parameters(), strict=True))


def test_what_lies_before_a_flipped_backward() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), FlippedReLU(), nn.Linear(8, 1))
    slopes = parameter_slopes(model, squared_error, 24)
    assert slopes["2.weight"] == pytest.approx(1.0, abs=0.05)
    assert slopes["0.weight"] == pytest.approx(-1.0, abs=0.05)


def test_signs_of_errors() -> None:
    model = nn.Linear(4, 1)
    assert not maximised_errors(live_loss(model, squared_error))
    assert maximised_errors(live_loss(model, lambda one: -squared_error(one)))
    both = live_loss(model, lambda one: squared_error(one) - 0.1 * functional.mse_loss(one(X), X[:, :1]))
    assert not maximised_errors(both)
    assert not maximised_errors(live_loss(model, lambda one: -functional.cosine_similarity(one(X), X[:, :1]).mean()))
