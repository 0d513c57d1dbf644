"""The curve of score against learning rate: its minimum, its edge, its width (PROTOCOL 2)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from trainsense.measure.paired import PRACTICAL_MARGIN, t_interval

LARGEST_TIE: Final = 0.05
"""A mean difference above this share of D is never called indistinguishable, however wide its interval."""
CLOSE_TIE: Final = 0.03
"""Within this share of D of the best, a tied lr that is not next to an infeasible one is preferred (PROTOCOL 2.4)."""
SENSITIVITY_DECADES: Final = 1.0
"""LR sensitivity is averaged over lr*/10 to 10 lr* (after Wortsman et al. 2023, who use a fixed range)."""
STABLE_SHARE: Final = 0.02
"""The stable range holds the lrs within this share of D of the best (PROTOCOL 9)."""


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """A learning rate with the effective scores of its seeds.

    Args:
        lr: above 0.
        scores: seed -> score, infeasible seeds counted at the ceiling.
        feasible: whether all its seeds were feasible.
        unstable: whether at least half of its seeds were infeasible.
    """

    lr: float
    scores: Mapping[int, float]
    feasible: bool
    unstable: bool

    @property
    def mean(self) -> float:
        """Return the mean score."""
        return float(np.mean(list(self.scores.values())))


def lowest(points: Sequence[CurvePoint]) -> CurvePoint:
    """Return the point with the lowest mean score that is not unstable, any two compared on the seeds they share.

    Points with fewer than half of the most seeds stay out: a single lucky seed is nothing against a mean of three. Others
    may differ by one, where a budget ended between two. `points` must not be empty.
    """
    stable = [point for point in points if not point.unstable] or list(points)
    most = max(len(point.scores) for point in stable)
    stable = [point for point in stable if 2 * len(point.scores) >= most]
    best = stable[0]
    for _ in stable:
        better = [point for point in stable if _mean_difference(point, best) < 0]
        if not better:
            break
        best = min(better, key=lambda point: _mean_difference(point, best))
    return best


def _mean_difference(point: CurvePoint, best: CurvePoint) -> float:
    gaps = differences(point, best, 1.0)
    return float(np.mean(gaps)) if gaps else point.mean - best.mean


def differences(point: CurvePoint, best: CurvePoint, drop: float) -> list[float]:
    """Return paired differences to the best on their common seeds, as shares of D; above 0 is worse."""
    common = [seed for seed in point.scores if seed in best.scores]
    return [(point.scores[seed] - best.scores[seed]) / drop for seed in common]


def tied(points: Sequence[CurvePoint], best: CurvePoint, drop: float) -> list[CurvePoint]:
    """Return the unbroken range of points around the best that cannot be told from it (PROTOCOL 2.4)."""

    def indistinguishable(point: CurvePoint) -> bool:
        gaps = differences(point, best, drop)
        if not gaps or not point.feasible:
            return point is best
        mean = float(np.mean(gaps))
        low = t_interval(gaps)[0] if len(gaps) > 1 else mean - PRACTICAL_MARGIN
        return mean <= LARGEST_TIE and (mean <= PRACTICAL_MARGIN or low <= 0)

    ordered = sorted(points, key=lambda point: point.lr)
    centre = ordered.index(best)
    first = last = centre
    while first > 0 and indistinguishable(ordered[first - 1]):
        first -= 1
    while last + 1 < len(ordered) and indistinguishable(ordered[last + 1]):
        last += 1
    return ordered[first : last + 1]


def choose(points: Sequence[CurvePoint], drop: float) -> tuple[CurvePoint, list[CurvePoint]]:
    """Return lr* and the range of points tied with it.

    lr* has the lowest mean score; among tied points within 3 % of D of it, one that is not next to an
    infeasible point wins.
    """
    best = lowest(points)
    ties = tied(points, best, drop)
    ordered = sorted(points, key=lambda point: point.lr)

    def beside_failure(point: CurvePoint) -> bool:
        above = ordered.index(point) + 1
        return above < len(ordered) and not ordered[above].feasible

    if not beside_failure(best):
        return best, ties
    close = [
        point
        for point in ties
        if not beside_failure(point) and np.mean(differences(point, best, drop) or [1.0]) <= CLOSE_TIE
    ]
    return (min(close, key=lambda point: point.mean) if close else best), ties


def edge(points: Sequence[CurvePoint], best_lr: float) -> tuple[float | None, float | None]:
    """Return `(edge_lr, unstable_lr)` as PROTOCOL 2.5 defines them; None where the grid does not show them."""
    edge_lr = None
    for point in sorted(points, key=lambda point: point.lr):
        if not point.feasible and point.lr > best_lr:
            break
        if point.feasible:
            edge_lr = point.lr
    unstable = [point.lr for point in points if point.unstable and point.lr > best_lr]
    return edge_lr, min(unstable, default=None)


def sensitivity(points: Sequence[CurvePoint], best: CurvePoint, initial: float) -> float | None:
    """Return the mean over log lr of `min(loss, L0) - best` within a decade of lr*, in loss units.

    Beyond the grid's ends the curve is continued level. None with fewer than three points.
    """
    if len(points) < 3:
        return None
    ordered = sorted(points, key=lambda point: point.lr)
    logs = np.log10([point.lr for point in ordered])
    excess = np.array([max(0.0, min(point.mean, initial) - best.mean) for point in ordered])
    centre = math.log10(best.lr)
    axis = np.linspace(centre - SENSITIVITY_DECADES, centre + SENSITIVITY_DECADES, 61)
    return float(np.mean(np.interp(axis, logs, excess)))


def stable_decades(points: Sequence[CurvePoint], best: CurvePoint, drop: float) -> float:
    """Return the width in decades of lr around the best within 2 % of D, interpolated on the log axis."""
    ordered = sorted(points, key=lambda point: point.lr)
    logs = np.log10([point.lr for point in ordered])
    excess = np.array([(point.mean - best.mean) / drop for point in ordered])
    axis = np.linspace(logs[0], logs[-1], 601)
    inside = np.interp(axis, logs, excess) <= STABLE_SHARE
    centre = int(np.argmin(np.abs(axis - math.log10(best.lr))))
    left = right = centre
    while left > 0 and inside[left - 1]:
        left -= 1
    while right + 1 < axis.size and inside[right + 1]:
        right += 1
    return float(axis[right] - axis[left])
