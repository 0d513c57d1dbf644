"""Tests of the plain values that JSON carries."""

import math

import numpy as np
import pytest

from trainsense.reporters.plain import plain_value, revived_value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, "nan"),
        (math.inf, "inf"),
        (np.float32(-np.inf), "-inf"),
        (np.float64(0.1234567), 0.123457),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.array([1.0, np.nan]), [1.0, "nan"]),
        ({1: (2, None)}, {"1": [2, None]}),
        (True, True),
    ],
)
def test_a_value_becomes_what_json_can_carry(value: object, expected: object) -> None:
    """Numpy, tuples and numbers that are not finite; twice is as good as once."""
    plain = plain_value(value)
    assert plain == expected
    assert type(plain) is type(expected)
    assert plain_value(plain) == plain


def test_what_json_cannot_carry_is_refused() -> None:
    """No silent `str()` of an object."""
    with pytest.raises(TypeError, match="object"):
        plain_value({"x": object()})


def test_numbers_come_back() -> None:
    """Only the three words are numbers."""
    revived = revived_value({"a": ["inf", "information"], "b": "nan"})
    assert revived["a"] == [math.inf, "information"]
    assert math.isnan(revived["b"])
