"""Statistics of a few examples."""

from typing import Any

import pytest
import torch
from torch import nn

from tests.looking import findings
from tests.rules.architecture.digits import on_digits, serious, stack

RULE = "small-batch-norm"


def images(norm: nn.Module) -> nn.Module:
    """Return a convolutional network with a norm."""
    shaped = [nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1)]
    return nn.Sequential(*shaped, norm, nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 10))


class Frozen(nn.Module):
    """A network whose batch normalisation its author keeps in evaluation mode."""

    def __init__(self) -> None:
        super().__init__()
        self.net = stack(4, norm=nn.BatchNorm1d)

    def train(self, mode: bool = True) -> "Frozen":  # noqa: FBT001, FBT002 - torch's signature
        """Leave the norms alone."""
        super().train(mode)
        for one in self.modules():
            if isinstance(one, nn.BatchNorm1d):
                one.eval()
        return self

    def forward(self, x: torch.Tensor) -> Any:
        """Give the logits."""
        return self.net(x)


@pytest.mark.parametrize("batch", [2, 4])
def test_few_examples_are_drawn(batch: int) -> None:
    """Gradient accumulation does not help."""
    found = findings(on_digits(lambda: stack(3, norm=nn.BatchNorm1d), batch=batch, accumulate=2))[RULE]
    assert found.severity == "warning"
    assert found.evidence["examples"] == batch
    assert found.locations[0].module == "1"


def test_eight_examples_or_few_with_many_pixels_are_noted() -> None:
    """Hardly any harm."""
    assert findings(on_digits(lambda: stack(3, norm=nn.BatchNorm1d), batch=8))[RULE].severity == "note"
    assert findings(on_digits(lambda: images(nn.BatchNorm2d(8)), batch=4))[RULE].severity == "note"


@pytest.mark.parametrize(
    "workload",
    [
        lambda: on_digits(lambda: stack(3, norm=nn.BatchNorm1d), batch=16),
        lambda: on_digits(lambda: stack(3, norm=nn.LayerNorm), batch=2),
        lambda: on_digits(lambda: images(nn.InstanceNorm2d(8, affine=True)), batch=2),
        lambda: on_digits(lambda: images(nn.GroupNorm(2, 8)), batch=1),
        lambda: on_digits(Frozen, batch=2),
    ],
    ids=["16 examples", "LayerNorm", "InstanceNorm", "GroupNorm", "frozen"],
)
def test_other_norms_and_larger_batches_are_not(workload: Any) -> None:
    """Not even a note."""
    found = findings(workload())
    assert RULE not in found
    assert not serious(found)
