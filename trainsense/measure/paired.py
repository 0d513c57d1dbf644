"""Paired comparison of two settings on the same seeds and batches (PROTOCOL 6)."""

import itertools
import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.special import stdtrit

from trainsense.records.comparison import Comparison, ComparisonStatus

CONFIDENCE: Final = 0.95
"""Of the Student t interval (PROTOCOL 6.2)."""
PRACTICAL_MARGIN: Final = 0.02
"""Smallest mean effect worth having, as a share of D (PROTOCOL 6.3)."""
ADOPTION_PAIRS: Final = 5
"""Fewest fresh pairs for `verified` (PROTOCOL 6.3): with n pairs the smallest one-sided sign-flip p is 2^-n."""
MOST_PAIRS: Final = 10
"""Pairs after which an undecided comparison stays inconclusive (PROTOCOL 6.3)."""

MOST_EXACT: Final = 12
"""Differences up to which all assignments of signs are gone through: 4096 of them."""


def t_interval(differences: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the two-sided Student t interval of the mean; infinite with fewer than two differences.

    Args:
        differences: paired differences, any unit.
        confidence: between 0 and 1.

    >>> low, high = t_interval([1.0, 2.0, 3.0])
    >>> round(low, 3), round(high, 3)
    (-0.484, 4.484)
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.size < 2:
        return -math.inf, math.inf
    half = float(stdtrit(values.size - 1, 0.5 + confidence / 2) * values.std(ddof=1) / math.sqrt(values.size))
    return float(values.mean()) - half, float(values.mean()) + half


def sign_flip_p(differences: Sequence[float]) -> float:
    """Return the one-sided sign-flip p value of a mean above zero (Fisher's randomisation test).

    Exact up to 12 differences; beyond, over 4096 drawn assignments of signs, always the same ones.

    >>> sign_flip_p([1.0, 2.0, 3.0])
    0.125
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.size == 0:
        return 1.0
    if values.size <= MOST_EXACT:
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=values.size)))
    else:
        signs = np.random.default_rng(0).choice((1.0, -1.0), size=(2**MOST_EXACT, values.size))
        signs[0] = 1.0  # the assignment that was observed counts as well (Phipson and Smyth, 2010)
    return float(np.mean(signs @ values >= values.sum() - 1e-12 * np.abs(values).sum()))


def compare(
    baseline: Sequence[float],
    setting: Sequence[float],
    *,
    drop: float,
    baseline_failed: Sequence[bool],
    setting_failed: Sequence[bool],
    confidence: float = CONFIDENCE,
) -> Comparison:
    """Decide whether `setting` beats `baseline` by more than the practical margin.

    Args:
        baseline: score per seed, infeasible seeds already counted at L0 (PROTOCOL 6.4), at least one.
        setting: score per seed, same seeds in the same order.
        drop: D, above 0: the unit of effects.
        baseline_failed: per seed, whether it was infeasible.
        setting_failed: likewise.
        confidence: of the interval; raised by Holm's procedure when several fixes are tried.

    >>> compare([1.0] * 5, [0.5] * 5, drop=2.0, baseline_failed=[False] * 5, setting_failed=[False] * 5).status
    'verified'
    """
    base, new = np.asarray(baseline, dtype=np.float64), np.asarray(setting, dtype=np.float64)
    effects = ((base - new) / drop).tolist()
    low, high = t_interval(effects, confidence)
    mean = float(np.mean(effects))
    spread = float(base.std(ddof=1)) if base.size > 1 else 0.0
    margin = max(PRACTICAL_MARGIN, spread / math.sqrt(base.size) / drop)
    newly_failed = any(new_failed and not old for new_failed, old in zip(setting_failed, baseline_failed, strict=True))
    return Comparison(
        pairs=base.size,
        mean=mean,
        low=low,
        high=high,
        margin=margin,
        sign_flip_p=sign_flip_p(effects),
        baseline_loss=float(base.mean()),
        loss=float(new.mean()),
        status=_decide(pairs=base.size, mean=mean, low=low, high=high, margin=margin, newly_failed=newly_failed),
    )


def holm_confidences(comparisons: Sequence[Comparison | None]) -> list[float]:
    """Return the confidence at which each of several comparisons is to be decided (Holm, 1979).

    The strongest t statistic of m faces a level of 5 % / m, the next 5 % / (m - 1), and so on (PROTOCOL 6.2).

    >>> holm_confidences([None])
    [0.95]
    """

    def strength(comparison: Comparison | None) -> float:
        if comparison is None:
            return -math.inf
        half = (comparison.high - comparison.low) / 2
        return comparison.mean / half if half > 0 else math.copysign(math.inf, comparison.mean)

    order = sorted(range(len(comparisons)), key=lambda index: -strength(comparisons[index]))
    rank = {index: position for position, index in enumerate(order)}
    return [1 - (1 - CONFIDENCE) / (len(comparisons) - rank[index]) for index in range(len(comparisons))]


def _decide(*, pairs: int, mean: float, low: float, high: float, margin: float, newly_failed: bool) -> ComparisonStatus:
    if pairs >= ADOPTION_PAIRS and low > 0 and mean > margin and not newly_failed:
        return "verified"
    if high < margin:
        return "rejected"
    return "inconclusive"
