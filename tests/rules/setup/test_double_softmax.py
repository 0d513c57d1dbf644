"""Probabilities into a loss that normalises, and what only looks like them."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.rules.setup.losses import binary, classes, cross_entropy, loud, net, term, terms, with_logits, workload
from trainsense import Workload
from trainsense.records.finding import Finding
from trainsense.rules.setup.double_softmax import judge


def written_out(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Return the cross-entropy of a softmax that is written out."""
    grown = model(batch[0]).exp()
    return functional.cross_entropy(grown / grown.sum(dim=1, keepdim=True), batch[1])


def images() -> tuple[Tensor, Tensor]:
    """Draw images with a class for each pixel."""
    inputs = torch.randn(4, 3, 8, 8)
    return inputs, (inputs.sum(dim=1) > 0).long() + (inputs[:, 0] > 0).long()


class TwoHeads(nn.Module):
    """One head for classes, which is squashed, one for a value."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.kinds, self.value = nn.Linear(8, 32), nn.Linear(32, 10), nn.Linear(32, 1)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return both."""
        hidden = self.body(inputs).relu()
        return self.kinds(hidden).softmax(dim=1), self.value(hidden)


def both(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Return the sum of two losses."""
    kinds, value = model(batch[0])
    return functional.cross_entropy(kinds, batch[1]) + 0.1 * functional.mse_loss(value[:, 0], batch[0][:, 0])


FAULTS: dict[str, Workload] = {
    "softmax": workload(net(10, nn.Softmax(dim=1)), classes, cross_entropy),
    "two classes": workload(net(2, nn.Softmax(dim=-1)), lambda: classes(width=2), cross_entropy),
    "written out": workload(net(10), classes, written_out),
    "smoothed": workload(
        net(10, nn.Softmax(dim=1)),
        classes,
        lambda model, batch: functional.cross_entropy(model(batch[0]), batch[1], label_smoothing=0.1, reduction="sum"),
    ),
    "log-softmax of softmax": workload(
        net(10, nn.Softmax(dim=1), nn.LogSoftmax(dim=1)),
        classes,
        lambda model, batch: functional.nll_loss(model(batch[0]), batch[1]),
    ),
    "sigmoid": workload(net(10, nn.Sigmoid()), classes, cross_entropy),
    "sigmoid twice": workload(net(1, nn.Sigmoid()), binary, with_logits),
    "pixels": workload(
        lambda: nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 1), nn.Softmax(dim=1)),
        images,
        cross_entropy,
    ),
    "one of two heads": workload(TwoHeads, classes, both),
}
SOUND: dict[str, Workload] = {
    "raw scores": workload(net(10), classes, cross_entropy),
    "log-softmax": workload(net(10, nn.LogSoftmax(dim=1)), classes, cross_entropy),
    "likelihood": workload(
        net(10, nn.LogSoftmax(dim=1)), classes, lambda model, batch: functional.nll_loss(model(batch[0]), batch[1])
    ),
    "log of softmax": workload(
        net(10, nn.Softmax(dim=1)),
        classes,
        lambda model, batch: functional.nll_loss((model(batch[0]) + 1e-8).log(), batch[1]),
    ),
    "targets are probabilities": workload(
        net(10), lambda: (torch.randn(32, 8), torch.rand(32, 10).softmax(dim=1)), cross_entropy
    ),
    "sigmoid and binary cross-entropy": workload(
        net(1, nn.Sigmoid()),
        binary,
        lambda model, batch: functional.binary_cross_entropy(model(batch[0]), batch[1]),
    ),
    "softmax and squared error": workload(
        net(10, nn.Softmax(dim=1)),
        classes,
        lambda model, batch: functional.mse_loss(model(batch[0]), functional.one_hot(batch[1], 10).float()),
    ),
    "a gate": workload(
        net(10), classes, lambda model, batch: functional.cross_entropy(5 * model(batch[0]).sigmoid(), batch[1])
    ),
}


@pytest.mark.parametrize("subject", FAULTS.values(), ids=FAULTS.keys())
def test_probabilities_are_named(subject: Workload) -> None:
    """As an error with its fix and its line, and by no other rule."""
    found = loud(subject)
    assert list(found) == ["double-softmax"]
    one = found["double-softmax"]
    assert (one.severity, one.fixes) == ("error", ("remove-softmax",))
    assert one.locations[0].file.endswith(".py")


@pytest.mark.parametrize("subject", SOUND.values(), ids=SOUND.keys())
def test_scores_and_log_probabilities_are_none(subject: Workload) -> None:
    """Nor probabilities where the loss wants them."""
    assert "double-softmax" not in loud(subject)


def test_the_floor_is_told() -> None:
    """ln(e + 9) - 1 for ten classes."""
    found = judge(terms(term(probabilities="softmax")))
    assert isinstance(found, Finding)
    assert found.evidence["floor"] == pytest.approx(math.log(math.e + 9) - 1)
    assert "1.46" in found.detail
