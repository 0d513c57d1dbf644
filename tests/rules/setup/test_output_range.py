"""Targets against what the output activation can give."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.rules.setup.losses import binary, classes, cross_entropy, loud, net, squared, values, with_logits, workload
from trainsense import Workload


def positive() -> tuple[Tensor, Tensor]:
    """Draw inputs with targets that are never negative."""
    inputs, targets = values()
    return inputs, targets.abs()


def smoothed() -> tuple[Tensor, Tensor]:
    """Draw inputs with targets of 0.05 and 0.95."""
    inputs, targets = binary()
    return inputs, 0.9 * targets + 0.05


def reconstruct(model: nn.Module, batch: Tensor) -> Tensor:
    """Return the squared error of an autoencoder."""
    return functional.mse_loss(model(batch), batch)


FAULTS: dict[str, tuple[Workload, str]] = {
    "ReLU, targets of both signs": (workload(net(1, nn.ReLU()), values, squared), "error"),
    "sigmoid, targets of 5": (workload(net(1, nn.Sigmoid()), lambda: values(shift=5.0), squared), "error"),
    "tanh, targets of 3": (workload(net(3, nn.Tanh()), lambda: values(3.0, outputs=3), squared), "error"),
    "softplus, written out": (
        workload(net(1, nn.Softplus()), values, lambda model, batch: (model(batch[0]) - batch[1]).square().mean()),
        "error",
    ),
    "absolute error": (
        workload(net(1, nn.Sigmoid()), values, lambda model, batch: nn.L1Loss()(model(batch[0]), batch[1])),
        "error",
    ),
    "autoencoder of standardised inputs": (
        workload(net(8, nn.Sigmoid()), lambda: torch.randn(32, 8), reconstruct),
        "error",
    ),
    "tanh on scores": (workload(net(10, nn.Tanh()), classes, cross_entropy), "error"),
    "ReLU on scores": (workload(net(10, nn.ReLU()), classes, cross_entropy), ""),
    "ReLU on a binary score": (workload(net(1, nn.ReLU()), binary, with_logits), "error"),
    "ReLU before sigmoid": (
        workload(
            net(1, nn.ReLU(), nn.Sigmoid()),
            binary,
            lambda model, batch: functional.binary_cross_entropy(model(batch[0]), batch[1]),
        ),
        "error",
    ),
}
SOUND: dict[str, Workload] = {
    "ReLU, counts": workload(net(1, nn.ReLU()), positive, squared),
    "sigmoid, smoothed labels": workload(
        net(1, nn.Sigmoid()),
        smoothed,
        lambda model, batch: functional.binary_cross_entropy(model(batch[0]), batch[1]),
    ),
    "tanh, images in [-1, 1]": workload(net(8, nn.Tanh()), lambda: 2 * torch.rand(32, 8) - 1, reconstruct),
    "five times a sigmoid": workload(
        net(1, nn.Sigmoid()),
        lambda: values(0.5, 2.5),
        lambda model, batch: functional.mse_loss(5 * model(batch[0]), batch[1]),
    ),
    "soft cap": workload(
        net(10),
        classes,
        lambda model, batch: functional.cross_entropy(30 * torch.tanh(model(batch[0]) / 30), batch[1]),
    ),
    "clamped scores": workload(
        net(10), classes, lambda model, batch: functional.cross_entropy(model(batch[0]).clamp(-15, 15), batch[1])
    ),
    "all targets one": workload(net(1, nn.Sigmoid()), lambda: (torch.randn(32, 8), torch.ones(32, 1)), squared),
    "another's features": workload(net(4, nn.ReLU()), lambda: (torch.randn(32, 8), torch.randn(32, 4).relu()), squared),
}


@pytest.mark.parametrize(("subject", "severity"), FAULTS.values(), ids=FAULTS.keys())
def test_targets_out_of_reach_are_named(subject: Workload, severity: str) -> None:
    """With the activation, by this rule alone."""
    found = loud(subject)
    assert list(found) == ["output-range"]
    one = found["output-range"]
    assert not severity or one.severity == severity
    assert one.evidence["activation"] in {"Relu", "Sigmoid", "Tanh", "Softplus"}


@pytest.mark.parametrize("subject", SOUND.values(), ids=SOUND.keys())
def test_what_can_be_reached_is_none(subject: Workload) -> None:
    """Nor what is scaled after the activation."""
    assert not loud(subject)
