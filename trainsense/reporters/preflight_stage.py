"""The `preflight` entry of a report's stages: what was seen in the model before it is trained."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from trainsense.records.evidence import Evidence, LayerStatistics, WarmStart

KINDS: Final = (WarmStart, LayerStatistics)
"""The kinds of evidence that make up the entry."""


def preflight_entry(evidence: Iterable[Evidence]) -> dict[str, Any]:
    """Return the entry, empty where nothing was looked at."""
    entry: dict[str, Any] = {}
    for piece in evidence:
        match piece:
            case WarmStart():
                entry["warm_start"] = asdict(piece)
            case LayerStatistics():
                entry["layers"] = asdict(piece)
            case _:
                pass
    return entry
