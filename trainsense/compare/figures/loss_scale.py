"""Whether the losses of two sweeps are on one scale."""

from typing import Final

from trainsense.compare.figures.sweep import Sweep

SAME_SCALE: Final = 0.5
"""Levels within this share of D of each other are on one scale: half of D is what separates training from failing
(PROTOCOL 2.3). Two levels are looked at, L0 and what achieves nothing: either may change with the initial weights."""
SAME_MAGNITUDE: Final = 2.0
"""Positive levels within this ratio are on one scale too. Other seeds of deep_residual_no_norm give an L0 of 129 to 149 and
3 to 20 for what achieves nothing; cross-entropy over ten classes and squared error of unit targets lie 2.3x apart."""


def one_scale(base: Sweep, new: Sweep) -> bool:
    """Return whether L0, or what achieves nothing, is about the same in both; where neither is told they pass for it."""
    drop = max(base.drop or 0.0, new.drop or 0.0)
    pairs = [(base.initial, new.initial), (base.ceiling, new.ceiling)]
    told = [(one, other) for one, other in pairs if one is not None and other is not None]
    return not told or any(_alike(one, other, drop) for one, other in told)


def _alike(one: float, other: float, drop: float) -> bool:
    if abs(one - other) <= SAME_SCALE * drop:
        return True
    return min(one, other) > 0 and max(one, other) <= SAME_MAGNITUDE * min(one, other)
