"""Signals that blow up or fade on their way through a new network."""

import pytest
from torch import nn

from tests.looking import findings
from tests.rules.layers.nets import adam, he, mlp, normal, residual, workload, xavier

RULE = "bad-init-scale"


@pytest.mark.parametrize(("std", "layers"), [(1.0, 4), (0.6, 6)])
def test_growth(std: float, layers: int) -> None:
    """Weights without regard to the fan-in: the first loss is a hundred times that of a guess."""
    found = findings(workload(mlp(layers, nn.ReLU, normal(std)), optimizer=adam, lr=1e-3))[RULE]
    assert found.severity in {"warning", "error"}
    assert "grows" in found.title


def test_decay() -> None:
    """Weights of a thousandth: the last layer reads nothing but its bias."""
    found = findings(workload(mlp(4, nn.ReLU, normal(1e-3)), lr=0.01))[RULE]
    assert found.severity == "error"
    assert "shrinks" in found.title
    assert found.fixes[0] == "reinitialize"


def test_a_residual_stream_that_doubles() -> None:
    """Twenty-four branches at full strength."""
    assert findings(workload(residual(24), lr=1e-3))[RULE].severity == "error"


@pytest.mark.parametrize(
    "model",
    [
        mlp(3),
        mlp(6),
        mlp(10, nn.ReLU, he),
        mlp(8, nn.Tanh, xavier),
        mlp(4, nn.ReLU, normal(1.0), norm=nn.BatchNorm1d),
        mlp(4, nn.ReLU, normal(1e-3), norm=nn.LayerNorm),
        residual(12, zero=True),
        residual(6),
    ],
)
def test_sound_networks(model: object) -> None:
    """torch's default, He's and Xavier's; a norm that repairs the scale; branches that start at zero; a few that do not."""
    found = findings(workload(model, optimizer=adam, lr=1e-3)).get(RULE)  # type: ignore[arg-type]
    assert found is None or found.severity == "note", found
