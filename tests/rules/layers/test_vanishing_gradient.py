"""Gradients that fade on their way to the first layers."""

import pytest
from torch import nn

from tests.looking import findings
from tests.rules.layers.nets import adam, he, mlp, normal, residual, workload, xavier

RULE = "vanishing-gradient"


def test_six_sigmoid_layers() -> None:
    """At the label entropy, whatever Xavier did for the scale; the first layer is named first."""
    found = findings(workload(mlp(7, nn.Sigmoid)))[RULE]
    assert found.severity == "error"
    assert found.locations[0].module == "0"
    assert found.locations[0].line is not None
    assert found.evidence["first_over_last"] < 1e-4  # type: ignore[operator]
    assert RULE in findings(workload(mlp(7, nn.Sigmoid, xavier)))


@pytest.mark.parametrize(
    "model",
    [
        mlp(3, nn.Sigmoid),
        mlp(7, nn.Sigmoid, norm=nn.BatchNorm1d),
        mlp(8, nn.Tanh, xavier),
        mlp(8, nn.ReLU, he),
        residual(10, norm=True),
        residual(6, zero=True),
    ],
)
def test_sound_networks(model: object) -> None:
    """Few sigmoids, norms between them, activations that let the gradient through, branches that start at zero."""
    assert RULE not in findings(workload(model, lr=0.01))  # type: ignore[arg-type]


def test_one_layer_that_differs_is_no_fall() -> None:
    """A head that starts tiny gets a large gradient for its size; the layers before it agree with each other."""

    def build() -> nn.Module:
        model = mlp(5, nn.ReLU, he)()
        normal(2e-3)(model[-1])  # type: ignore[arg-type]
        return model

    assert RULE not in findings(workload(build, optimizer=adam, lr=1e-3))
