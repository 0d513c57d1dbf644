"""Reading a stage of a report: another version may have written it, or a stranger, so nothing is taken for granted."""

from collections.abc import Mapping
from typing import Any


def entry_of(value: object) -> Mapping[str, Any]:
    """Return a mapping as it is, an empty one for anything else.

    >>> entry_of({"lr": 0.1}), entry_of(None)
    ({'lr': 0.1}, {})
    """
    return value if isinstance(value, Mapping) else {}


def entries_of(value: object) -> list[Mapping[str, Any]]:
    """Return the mappings of a sequence, none for anything else.

    >>> entries_of([{"lr": 0.1}, None]), entries_of("runs")
    ([{'lr': 0.1}], [])
    """
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list | tuple) else []


def word_of(value: object) -> str:
    """Return a text as it is, an empty one for anything else."""
    return value if isinstance(value, str) else ""
