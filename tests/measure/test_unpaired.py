"""Welch's interval against SciPy's own."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_ind

from trainsense.measure.unpaired import welch_interval


@pytest.mark.parametrize("sizes", [(2, 2), (3, 5), (10, 3)])
def test_as_scipy_has_it(sizes: tuple[int, int]) -> None:
    """With other variances and sizes."""
    random = np.random.default_rng(0)
    left, right = random.normal(0, 1, sizes[0]), random.normal(1, 3, sizes[1])
    theirs = ttest_ind(right, left, equal_var=False).confidence_interval(0.95)
    assert welch_interval(left.tolist(), right.tolist()) == pytest.approx((theirs.low, theirs.high))


def test_one_value_gives_no_interval_and_equal_ones_a_point() -> None:
    """Nothing is made up."""
    assert welch_interval([1.0], [2.0, 3.0]) == (-math.inf, math.inf)
    assert welch_interval([1.0, 1.0], [2.0, 2.0]) == (1.0, 1.0)
