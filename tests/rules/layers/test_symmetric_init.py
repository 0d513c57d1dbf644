"""Units that are copies of each other."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.looking import findings
from tests.rules.layers.nets import adam, constant, mlp, residual, workload

RULE = "symmetric-init"


def all_constant(value: float) -> nn.Module:
    """Build a network all of whose weights are the same."""
    model = mlp(3, nn.Tanh, constant(value))()
    constant(value)(model[-1])  # type: ignore[arg-type]
    return model


def test_constant_weights() -> None:
    """Zeros too, which get no gradient at all."""
    found = findings(workload(lambda: all_constant(0.1)))[RULE]
    assert found.severity == "error"
    assert found.fixes == ("reinitialize",)
    assert {one.module for one in found.locations} == {"0", "2"}
    assert RULE in findings(workload(lambda: all_constant(0.0), optimizer=adam, lr=1e-3))


class LowRank(nn.Module):
    """A frozen layer with a low-rank correction that starts at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.base, self.head = nn.Linear(20, 32), nn.Linear(32, 10)
        self.base.requires_grad_(requires_grad=False)
        self.down, self.up = nn.Parameter(torch.randn(4, 20)), nn.Parameter(torch.zeros(32, 4))

    def forward(self, x: Tensor) -> Any:
        """Return the logits."""
        return self.head(functional.relu(self.base(x) + x @ self.down.T @ self.up.T))


def test_zeros_whose_gradients_differ() -> None:
    """Ends of residual branches, low-rank corrections, output layers: they part at the first step."""
    assert RULE not in findings(workload(residual(4, zero=True)))
    assert RULE not in findings(workload(LowRank, optimizer=adam, lr=1e-3))

    def zero_head() -> nn.Module:
        model = mlp(3)()
        nn.init.zeros_(model[-1].weight)  # type: ignore[arg-type]
        return model

    assert RULE not in findings(workload(zero_head))
    assert RULE not in findings(workload(lambda: nn.Sequential(nn.Linear(20, 10)).apply(_zeroed)))


def _zeroed(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.weight)


def test_one_constant_layer_that_different_weights_read() -> None:
    """Its gradients differ, and so will its units."""

    def build() -> nn.Module:
        model = mlp(4, nn.Tanh)()
        constant(0.05)(model[2])  # type: ignore[arg-type]
        return model

    assert RULE not in findings(workload(build, optimizer=adam, lr=1e-3))
