"""Plain values: whatever was measured, as values that JSON can carry (CONTRACT 3)."""

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

SIGNIFICANT_DIGITS: Final = 6
"""Digits kept of a float: past them a figure of a short training says nothing, and it reads badly."""

NON_FINITE: Final[Mapping[str, float]] = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
"""The strings that stand for numbers that are not finite (CONTRACT 3)."""


def plain_value(value: object) -> Any:
    """Return `value` as JSON can carry it.

    Floats are rounded to six significant digits, those that are not finite become the strings of `NON_FINITE`; numpy
    scalars and arrays become numbers and lists; keys become strings. Applying it twice changes nothing.

    Args:
        value: a number, string, None, or any nesting of mappings and sequences of them.

    Raises:
        TypeError: for anything else.

    >>> plain_value({90: (1 / 3, float("-inf"), None)})
    {'90': [0.333333, '-inf', None]}
    """
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, np.generic | np.ndarray):
        return plain_value(value.tolist())
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return _plain_float(value)
    if isinstance(value, Mapping):
        return {str(key): plain_value(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain_value(entry) for entry in value]
    message = f"a report cannot carry a {type(value).__name__}"
    raise TypeError(message)


def revived_value(value: Any) -> Any:
    """Return a plain value with the strings of `NON_FINITE` as the numbers that they stand for.

    >>> revived_value({"peak": "inf", "seen": [1, "none"]})
    {'peak': inf, 'seen': [1, 'none']}
    """
    if isinstance(value, str):
        return NON_FINITE.get(value, value)
    if isinstance(value, Mapping):
        return {key: revived_value(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [revived_value(entry) for entry in value]
    return value


def _plain_float(value: float) -> float | str:
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
