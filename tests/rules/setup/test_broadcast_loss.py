"""Predictions that meet the targets of all other examples, and broadcasting on purpose."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.looking import judgements_on
from tests.rules.setup.losses import loud, net, squared, values, workload
from trainsense import Workload
from trainsense.records.finding import NotAssessed

pytestmark = pytest.mark.filterwarnings("ignore:Using a target size")


def flat() -> tuple[Tensor, Tensor]:
    """Draw inputs with targets of shape (examples,)."""
    inputs, targets = values()
    return inputs, targets[:, 0]


def depth() -> tuple[Tensor, Tensor]:
    """Draw images with a target for each pixel, without a channel axis."""
    inputs = torch.randn(4, 3, 8, 8)
    return inputs, inputs.sum(dim=1)


class WithLoss(nn.Module):
    """A model that computes its own loss."""

    def __init__(self) -> None:
        super().__init__()
        self.net = net(1)()

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss."""
        return functional.mse_loss(self.net(inputs), targets)


def pairwise(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Return a loss on all pairs of examples."""
    outputs = model(batch[0]).squeeze(1)
    energy: Tensor = (outputs[:, None] - batch[1]).abs().mean() - 0.5 * (outputs[:, None] - outputs).abs().mean()
    together: Tensor = energy + functional.mse_loss(outputs, batch[1])
    return together


def quantiles(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Return the loss of three quantiles."""
    shares = torch.tensor([0.1, 0.5, 0.9])
    difference: Tensor = batch[1] - model(batch[0])
    return torch.maximum(shares * difference, (shares - 1) * difference).mean()


def distributional(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Return a loss on all pairs of quantiles, example by example."""
    outputs, targets = model(batch[0]), batch[1] + torch.linspace(-1, 1, 5)
    loss: Tensor = (targets.unsqueeze(1) - outputs.unsqueeze(2)).abs().mean()
    return loss


FAULTS: dict[str, Workload] = {
    "squared error": workload(net(1), flat, squared),
    "written out": workload(net(1), flat, lambda model, batch: ((model(batch[0]) - batch[1]) ** 2).mean()),
    "the other way round": workload(
        net(1), values, lambda model, batch: (batch[1] - model(batch[0]).squeeze(1)).abs().mean()
    ),
    "a module": workload(net(1), flat, lambda model, batch: nn.SmoothL1Loss()(model(batch[0]), 2 * batch[1])),
    "weights": workload(
        net(1),
        values,
        lambda model, batch: (
            functional.mse_loss(model(batch[0]), batch[1], reduction="none") * batch[0][:, 0].abs()
        ).mean(),
    ),
    "pixels": workload(lambda: nn.Conv2d(3, 1, 3, padding=1), depth, squared),
    "in the model": workload(WithLoss, flat, lambda model, batch: model(*batch)),
}
SOUND: dict[str, Workload] = {
    "the same shape": workload(net(1), values, squared),
    "squeezed": workload(net(1), flat, lambda model, batch: functional.mse_loss(model(batch[0]).squeeze(1), batch[1])),
    "pairs": workload(net(1), flat, pairwise),
    "quantiles": workload(net(3), values, quantiles),
    "pairs of quantiles": workload(net(5), values, distributional),
    "weights for each output": workload(
        net(32),
        lambda: values(outputs=1),
        lambda model, batch: ((model(batch[0]) - batch[1]) ** 2 * torch.linspace(1, 2, 32)).mean(),
    ),
    "anchors, as many as examples": workload(
        net(1),
        values,
        lambda model, batch: (
            functional.mse_loss(model(batch[0]), batch[1])
            + 0.1 * (model(batch[0]) - torch.linspace(-1, 1, 32)).square().amin(dim=1).mean()
        ),
    ),
    "ones": workload(
        net(1), values, lambda model, batch: functional.mse_loss(model(batch[0]), torch.ones(len(batch[0])))
    ),
}


@pytest.mark.parametrize("subject", FAULTS.values(), ids=FAULTS.keys())
def test_examples_that_meet_are_named(subject: Workload) -> None:
    """As an error with shapes and line, by this rule alone."""
    found = loud(subject)
    assert list(found) == ["broadcast-loss"]
    one = found["broadcast-loss"]
    assert one.severity == "error"
    assert one.locations[0].line


@pytest.mark.parametrize("subject", SOUND.values(), ids=SOUND.keys())
def test_broadcasting_on_purpose_is_none(subject: Workload) -> None:
    """Pairs, quantiles, weights, anchors, constants."""
    assert not loud(subject)


def test_a_single_example_hides_it() -> None:
    """Said so, not passed."""
    single = workload(net(1), lambda: (torch.randn(1, 8), torch.randn(1)), squared)
    assert isinstance(judgements_on(single)["broadcast-loss"], NotAssessed)
