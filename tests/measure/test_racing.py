"""What cannot be reached, and what can."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trainsense.measure.racing import FIRST_LOOK, LAST_LOOK, out_of_reach

HORIZON = 200
LOOKS = list(range(0, HORIZON, 10))


def dropped_at(losses: list[float], must_reach: float) -> int | None:
    """Return the first look at which a race is lost."""
    for count in range(1, len(LOOKS) + 1):
        if out_of_reach(LOOKS[:count], losses[:count], horizon=HORIZON, must_reach=must_reach):
            return LOOKS[count - 1]
    return None


@given(rate=st.floats(1e-4, 0.2), power=st.floats(0.3, 1.0), share=st.floats(0.0, 1.0))
def test_a_flattening_curve_that_gets_there_is_never_dropped(rate: float, power: float, share: float) -> None:
    """Exponentials, stretched or not: wherever the mark lies on or above the end."""
    curve = [float(np.exp(-((rate * step) ** power))) for step in [*LOOKS, HORIZON]]
    mark = curve[-1] + share * (curve[0] - curve[-1])
    assert dropped_at(curve[:-1], mark) is None


@given(slope=st.floats(0.0, 0.4))
def test_too_slow_is_dropped_at_the_first_look(slope: float) -> None:
    """A line that would end far above."""
    curve = [1.0 - slope * step / HORIZON for step in LOOKS]
    assert dropped_at(curve, 0.5) == FIRST_LOOK * HORIZON


def test_a_recovery_is_not_cut_short() -> None:
    """A rise to three times the loss, then a fall: it is the fall that counts."""
    curve = [1.0 + 2.0 * step / 40 if step <= 40 else 3.0 * float(np.exp(-(step - 40) / 25)) for step in LOOKS]
    late = [step for step in LOOKS if step >= 70]
    seen = [
        out_of_reach(LOOKS[: step // 10 + 1], curve[: step // 10 + 1], horizon=HORIZON, must_reach=0.5) for step in late
    ]
    assert not any(seen)


def test_nothing_is_dropped_before_the_first_look_or_after_the_last() -> None:
    """Nor on fewer than three looks."""
    flat = [1.0] * len(LOOKS)
    for count in range(1, len(LOOKS) + 1):
        inside = FIRST_LOOK * HORIZON <= LOOKS[count - 1] <= LAST_LOOK * HORIZON
        assert out_of_reach(LOOKS[:count], flat[:count], horizon=HORIZON, must_reach=0.5) == inside
    assert not out_of_reach([0, 100], [1.0, 1.0], horizon=HORIZON, must_reach=0.5)
