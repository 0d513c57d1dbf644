"""Sigmoid and tanh units at their limits."""

from torch import nn

from tests.looking import findings
from tests.rules.layers.nets import adam, mlp, normal, workload, xavier

RULE = "saturated-activation"


def test_weights_far_too_large() -> None:
    """N(0, 1) without regard to the fan-in."""
    found = findings(workload(mlp(4, nn.Tanh, normal(1.0)), lr=0.01))[RULE]
    assert found.severity in {"warning", "error"}
    assert found.locations[0].module == "2"
    assert RULE in findings(workload(mlp(4, nn.Sigmoid, normal(3.0)), lr=0.01))


def test_xavier() -> None:
    """Sound."""
    assert RULE not in findings(workload(mlp(4, nn.Tanh, xavier)))


def test_gates_may_sit_at_their_limits() -> None:
    """An LSTM whose gates are wide open or shut, and a norm that takes the scale out before a tanh."""

    class Open(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cells, self.head = nn.LSTM(4, 16, batch_first=True), nn.Linear(16, 10)
            nn.init.constant_(self.cells.get_parameter("bias_hh_l0"), 8.0)

        def forward(self, x: object) -> object:
            return self.head(self.cells(x.reshape(-1, 5, 4))[0][:, -1])  # type: ignore[attr-defined]

    assert RULE not in findings(workload(Open, optimizer=adam, lr=1e-2))
    assert RULE not in findings(workload(mlp(4, nn.Tanh, normal(1.0), norm=nn.LayerNorm)))
