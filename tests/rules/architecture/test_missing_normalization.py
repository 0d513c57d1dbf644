"""Residual streams that grow without a norm."""

import pytest
from torch import nn

from tests.looking import findings
from tests.rules.architecture.digits import blocks, on_digits, serious

RULE = "missing-normalization"


def test_he_initialised_branches_without_a_norm_are_drawn() -> None:
    """A warning at ten blocks, an error at fourteen; the sums are located."""
    found = findings(on_digits(lambda: blocks(10)))[RULE]
    assert found.severity == "warning"
    assert [one.module for one in found.locations] == [str(index) for index in range(1, 11)]
    assert found.locations[0].line is not None
    assert findings(on_digits(lambda: blocks(14)))[RULE].severity == "error"


class _Small(nn.Module):
    """A residual block with torch's default layers: its branch starts small."""

    def __init__(self) -> None:
        super().__init__()
        self.branch = nn.Sequential(nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 48))

    def forward(self, x: object) -> object:
        return self.branch(x) + x


@pytest.mark.parametrize(
    "model",
    [
        lambda: blocks(14, zero=True),
        lambda: blocks(14, "before"),
        lambda: blocks(14, "within"),
        lambda: blocks(12, norm_at_end=True),
        lambda: blocks(3),
        lambda: nn.Sequential(nn.Linear(64, 48), *(_Small() for _ in range(16)), nn.Linear(48, 10)),
    ],
    ids=["zero", "norm before", "norm within", "norm at the end", "shallow", "default"],
)
def test_streams_that_keep_their_scale_are_not(model: object) -> None:
    """By zero-initialised or small branches, by norms, or by being few."""
    assert not serious(findings(on_digits(model)))  # type: ignore[arg-type]
