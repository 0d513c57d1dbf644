"""Preflight where several ranks share the model: nothing is looked at, and why."""

from typing import Final

from trainsense.protocol.preflight import MEASUREMENTS, Preflight
from trainsense.records.evidence import Missing, WarmStart

REASON: Final = (
    "preflight looks into the model of one process, and here {} ranks share it: run `trainsense preflight` without torchrun, on "
    "the model as it is before it is wrapped"
)


def left_out(count: int) -> Preflight:
    """Return every measurement as missing, because `count` ranks share the model."""
    kinds = [WarmStart.__name__, *(one.gives.__name__ for one in MEASUREMENTS)]
    return Preflight(evidence=tuple(Missing(kind=kind, reason=REASON.format(count)) for kind in kinds), steps=0)
