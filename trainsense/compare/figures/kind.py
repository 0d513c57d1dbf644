"""What is asked of every figure: do both reports give it, and do their intervals overlap?"""

from collections.abc import Callable
from dataclasses import dataclass

from trainsense.records.report_comparison import ComparedFigure, FigureVerdict, Reading


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What became of a figure; see `ComparedFigure`."""

    verdict: FigureVerdict
    reason: str
    regression: bool = False
    improvement: bool = False


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A figure that reports may give.

    Args:
        name: its key.
        title: as people read it.
        interval: what its interval is.
    """

    name: str
    title: str
    interval: str = ""

    def compared(
        self, base: Reading | None, new: Reading | None, decide: Callable[[Reading, Reading], Decision]
    ) -> ComparedFigure:
        """Return the figure with what became of it; `decide` is asked only where both reports say something of it."""
        if base is None and new is None:
            decision = Decision(verdict="not comparable", reason="neither report gives it")
        elif base is None or new is None:
            decision = Decision(verdict="only in one", reason=f"{'BASE' if base is None else 'NEW'} does not give it")
        else:
            decision = decide(base, new)
        return ComparedFigure(
            name=self.name,
            title=self.title,
            interval=self.interval,
            base=base,
            new=new,
            verdict=decision.verdict,
            reason=decision.reason,
            regression=decision.regression,
            improvement=decision.improvement,
        )


def same(reason: str) -> Decision:
    """Return that the two cannot be told apart."""
    return Decision(verdict="same", reason=reason)


def not_comparable(reason: str) -> Decision:
    """Return that the two cannot be held against each other."""
    return Decision(verdict="not comparable", reason=reason)


def without_value(base: Reading, new: Reading) -> Decision | None:
    """Return what to say where a report says that there is no such figure; None where both have a value."""
    if base.value is None and new.value is None:
        alike = base.note == new.note
        return same(f"in both: {new.note}" if alike else f"in BASE: {base.note}; in NEW: {new.note}")
    if base.value is None:
        return Decision(verdict="only in one", reason=f"in BASE: {base.note}")
    if new.value is None:
        return Decision(verdict="only in one", reason=f"in NEW: {new.note}")
    return None


def overlap(one: Reading, other: Reading) -> bool:
    """Return whether the closed intervals of two readings overlap; a reading without one is its value.

    >>> overlap(Reading(value=1.0, low=0.5, high=2.0), Reading(value=3.0, low=2.0, high=4.0))
    True
    """
    (low, high), (other_low, other_high) = ends(one), ends(other)
    return max(low, other_low) <= min(high, other_high)


def ends(reading: Reading) -> tuple[float, float]:
    """Return the ends of a reading's interval; a reading without one is its value."""
    value = reading.value
    low = value if reading.low is None else reading.low
    high = value if reading.high is None else reading.high
    assert low is not None, "an interval of nothing"
    assert high is not None, "an interval of nothing"
    return low, high


def value_of(reading: Reading) -> float:
    """Return the value of a reading that has one."""
    assert reading.value is not None, "a figure that is not there"
    return reading.value


def direction(base: Reading, new: Reading) -> FigureVerdict:
    """Return which way the value went.

    >>> direction(Reading(value=1.0), Reading(value=2.0))
    'higher'
    """
    return "higher" if value_of(new) > value_of(base) else "lower"
