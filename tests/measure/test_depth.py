"""How a figure changes with depth."""

import pytest

from trainsense.measure.depth import along_depth


def test_a_steady_fall() -> None:
    """Every step counts the same."""
    fall = along_depth([1e-6, 1e-4, 1e-2, 1.0])
    assert fall.ratio == pytest.approx(1e-6)
    assert fall.without_largest == pytest.approx(1e-4)
    assert fall.order == pytest.approx(1.0)
    assert fall.per_layer == pytest.approx(100.0)


def test_one_step_is_no_fall() -> None:
    """A head that differs from all others makes the ratio, and nothing of the rest."""
    fall = along_depth([1.0, 1.1, 0.9, 1e5])
    assert fall.ratio == pytest.approx(1e-5)
    assert fall.without_largest == pytest.approx(1 / 0.9, rel=0.3)
    assert fall.order < 1.0
