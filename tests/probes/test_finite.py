"""Values that are not finite, in tensors of every layout."""

import pytest
import torch

from tests.layouts import LAYOUTS, ROWS
from trainsense.probes.finite import non_finite_values

pytestmark = pytest.mark.filterwarnings("ignore:.*beta state:UserWarning", "ignore:.*prototype stage:UserWarning")


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_looked_through(name: str) -> None:
    """What is stored counts, what is not stored is zero."""
    sick = ROWS.clone()
    sick[0, 3], sick[2, 0] = float("nan"), float("-inf")
    assert non_finite_values({"x": LAYOUTS[name](sick)}) == [("batch['x']", 2)]
    assert non_finite_values({"x": LAYOUTS[name](ROWS)}) == []


def test_complex_and_whole_numbers() -> None:
    """A complex number is finite where both its parts are; whole numbers always are."""
    waves = torch.complex(torch.tensor([1.0, float("nan")]), torch.tensor([float("inf"), 0.0]))
    assert non_finite_values((torch.tensor([1, 2]), waves, waves.to_sparse())) == [("batch[1]", 2), ("batch[2]", 2)]


def test_what_cannot_be_looked_through_is_not_counted() -> None:
    """Types without arithmetic, tensors without values: they hide nothing of what stands beside them."""
    odd = [torch.ones(2).to(torch.float8_e4m3fn), torch.ones(2, device="meta"), torch.tensor([float("inf")])]
    assert non_finite_values(odd) == [("batch[2]", 1)]
