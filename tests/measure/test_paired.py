"""The statistics of comparisons, against SciPy, brute force and simulation."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from trainsense.measure.paired import (
    ADOPTION_PAIRS,
    MOST_PAIRS,
    PRACTICAL_MARGIN,
    compare,
    holm_confidences,
    sign_flip_p,
    t_interval,
)
from trainsense.records.comparison import Comparison

VALUES = st.lists(st.floats(-10, 10).map(lambda value: round(value, 3)), min_size=2, max_size=8)


def compared(effects: list[float], base: float = 10.0, **changes: object) -> Comparison:
    """Compare a constant baseline with settings that gain `effects`, at D = 1."""
    none = [False] * len(effects)
    options = {"drop": 1.0, "baseline_failed": none, "setting_failed": none, **changes}
    return compare([base] * len(effects), [base - one for one in effects], **options)  # type: ignore[arg-type]


@given(VALUES, st.sampled_from([0.9, 0.95, 0.99]))
def test_the_t_interval_is_scipys(values: list[float], confidence: float) -> None:
    """At every confidence."""
    low, high = t_interval(values, confidence)
    if np.std(values) == 0:
        assert low == high == pytest.approx(values[0])
        return
    expected = stats.t.interval(confidence, len(values) - 1, np.mean(values), stats.sem(values))
    assert (low, high) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("values", [[], [1.0]])
def test_too_few_for_an_interval(values: list[float]) -> None:
    """Know nothing."""
    assert t_interval(values) == (-math.inf, math.inf)


@given(VALUES)
def test_the_sign_flip_p_is_that_of_brute_force(values: list[float]) -> None:
    """Over every assignment of signs."""
    total = sum(values)
    flips = itertools.product((1, -1), repeat=len(values))
    at_least = [sum(s * v for s, v in zip(signs, values, strict=True)) >= total - 1e-9 for signs in flips]
    assert sign_flip_p(values) == pytest.approx(np.mean(at_least))


def test_the_smallest_p() -> None:
    """2^-n; and 1 without any pair."""
    assert sign_flip_p([1.0] * 5) == 2**-5
    assert sign_flip_p([]) == 1
    assert sign_flip_p([0.0] * 4) == 1


@pytest.mark.parametrize("count", [30, 60])
def test_many_pairs_take_no_exponential_time(count: int) -> None:
    """`--seeds 60` is allowed."""
    assert sign_flip_p([1.0] * count) < 1e-3
    assert 0.3 < sign_flip_p([1.0, -1.0] * (count // 2)) < 0.7


def test_decisions_at_their_limits() -> None:
    """Five pairs, the interval above zero, the mean above the margin, no new failure: all of them."""
    assert compared([0.5] * ADOPTION_PAIRS).status == "verified"
    assert compared([0.5] * (ADOPTION_PAIRS - 1)).status == "inconclusive"
    assert compared([0.5] * 5, setting_failed=[False] * 4 + [True]).status == "inconclusive"
    both = [False] * 4 + [True]
    assert compared([0.5] * 5, setting_failed=both, baseline_failed=both).status == "verified"
    assert compared([0.019] * 5).status == "rejected"
    assert compared([0.021] * 5).status == "verified"
    assert compared([-0.5] * 5).status == "rejected"
    assert compared([-0.5] * 2).status == "rejected"
    assert compared([-0.5]).status == "inconclusive"
    spread = [0.5, 0.5, 0.5, 0.5, -1.9]
    assert compared(spread).status == "inconclusive"


def test_the_margin_is_the_larger_of_the_two() -> None:
    """2 % of D, or the baseline's standard deviation over the root of n as a share of D."""
    base = [1.0, 2.0, 3.0, 4.0, 5.0]
    none = [False] * 5
    noisy = compare(base, [b - 0.5 for b in base], drop=1.0, baseline_failed=none, setting_failed=none)
    assert noisy.margin == pytest.approx(math.sqrt(2.5) / math.sqrt(5))
    assert noisy.status == "rejected"
    large = compare(base, [b - 0.5 for b in base], drop=100.0, baseline_failed=none, setting_failed=none)
    assert large.margin == PRACTICAL_MARGIN
    assert large.mean == pytest.approx(0.005)


def false_verifications(looks: Sequence[int], noise: float, correlation: float) -> float:
    """Return how often a setting that does nothing is verified when pairs are added while that looks worth it."""
    random = np.random.default_rng(0)
    false, rounds = 0, 1000
    for _ in range(rounds):
        shared, own = random.standard_normal(MOST_PAIRS), random.standard_normal((2, MOST_PAIRS))
        base, new = noise * (math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own)
        for count in looks:
            none = [False] * count
            found = compare(
                base[:count].tolist(), new[:count].tolist(), drop=1.0, baseline_failed=none, setting_failed=none
            )
            if found.status != "inconclusive" or found.mean <= PRACTICAL_MARGIN:
                break
        false += found.status == "verified"
    return false / rounds


@pytest.mark.parametrize(("noise", "correlation"), [(0.02, 0.0), (0.2, 0.7), (1.0, 0.0)])
def test_nothing_is_verified_that_does_nothing(noise: float, correlation: float) -> None:
    """Less than 5 % under the null, looked at after five pairs and again after ten."""
    assert false_verifications((ADOPTION_PAIRS, MOST_PAIRS), noise, correlation) < 0.05


def test_a_real_gain_is_verified() -> None:
    """A tenth of D at noise of 3 % of it: nearly always."""
    random = np.random.default_rng(1)
    found = [compared((0.1 + 0.03 * random.standard_normal(5)).tolist()).status for _ in range(200)]
    assert found.count("verified") > 180


def test_holm() -> None:
    """The strongest of three faces 5 % / 3, the next 5 % / 2, the last 5 %; whatever could not be compared is last."""
    weak, strong, middle = compared([0.1, 0.0, 0.2]), compared([0.5, 0.51, 0.49]), compared([0.3, 0.2, 0.4])
    levels = holm_confidences([weak, strong, middle])
    assert levels == pytest.approx([1 - 0.05, 1 - 0.05 / 3, 1 - 0.05 / 2])
    assert holm_confidences([None, strong]) == pytest.approx([0.95, 0.975])
    assert holm_confidences([]) == []
