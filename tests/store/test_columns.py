"""Columns of a trace come back bit by bit, and take little room where they say little."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from trainsense.store.columns import packed, unpacked

ODD_NANS = np.array([0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0000000000001], dtype="<u8").view("<f8")
"""NaNs of other bits than numpy's own: a payload, a sign, and one that signals."""
VALUES = st.one_of(
    st.just(float("nan")), st.floats(), st.floats(width=32), st.sampled_from([0.0, -0.0, *ODD_NANS.tolist()])
)


def bits(column: NDArray[np.float64]) -> list[int]:
    return [int(one) for one in np.ascontiguousarray(column).view("<u8")]


@given(st.lists(st.tuples(VALUES, VALUES, VALUES), max_size=40))
def test_every_bit_comes_back(rows: list[tuple[float, float, float]]) -> None:
    columns = [np.array([row[index] for row in rows], dtype=np.float64) for index in range(3)]
    found = unpacked(packed(columns), 3)
    assert [bits(one) for one in found] == [bits(one) for one in columns]


def test_odd_nans_are_no_gaps() -> None:
    column = np.concatenate([ODD_NANS, np.full(200, np.nan), [0.1, 0.5]])
    (found,) = unpacked(packed([column]), 1)
    assert bits(found) == bits(column)


SMALL = {
    "constant": (np.full(500, 0.1), 20),
    "nothing measured": (np.full(500, np.nan), 20),
    "every tenth": (np.where(np.arange(500) % 10 == 0, np.linspace(0.1, 0.3, 500), np.nan), 500),
    "single precision": (np.linspace(0, 1, 500).astype(np.float32).astype(np.float64), 2010),
    "double precision": (np.linspace(0, 1, 500), 4010),
}


@pytest.mark.parametrize("name", SMALL)
def test_little_said_takes_little_room(name: str) -> None:
    column, most = SMALL[name]
    content = packed([column])
    assert len(content) <= most
    assert bits(unpacked(content, 1)[0]) == bits(column)


def test_damage_is_told() -> None:
    whole = packed([column for column, _ in SMALL.values()])
    for damaged in (b"", whole[:-1], whole + b"\0", whole[:3], b"\xff" * 9, whole[:4] + b"\x77" + whole[5:]):
        with pytest.raises(ValueError, match=r"trace|buffer|offset"):
            unpacked(damaged, len(SMALL))
