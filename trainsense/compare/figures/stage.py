"""Numbers out of a report's `stages`: plain values that another version, or another hand, may have written."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from trainsense.reporters.numbers import as_number


def finite(entry: Mapping[str, Any], key: str) -> float | None:
    """Return the number under `key`; None where there is none, or none that is finite.

    >>> finite({"loss": "nan"}, "loss"), finite({"loss": 1}, "loss")
    (None, 1.0)
    """
    value = as_number(entry.get(key))
    return value if value is not None and math.isfinite(value) else None


def positive(entry: Mapping[str, Any], key: str) -> float | None:
    """Return the number under `key`; None where there is none above 0."""
    value = finite(entry, key)
    return value if value is not None and value > 0 else None


def entries(entry: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    """Yield the mappings of the list under `key`."""
    listed = entry.get(key)
    if isinstance(listed, list | tuple):
        yield from (one for one in listed if isinstance(one, Mapping))
