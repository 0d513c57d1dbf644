"""Runs with traces made by hand."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from trainsense.records.outcome import Completed
from trainsense.records.run import Run
from trainsense.records.trace import COLUMNS, Trace
from trainsense.records.trial import Trial


def trace(length: int, **columns: Any) -> Trace:
    """Return a trace of NaN with the given columns."""
    rows = {name: np.full(length, math.nan) for name in COLUMNS}
    for name, values in columns.items():
        rows[name] = np.asarray(values, dtype=np.float64)[:length]
    return Trace(**rows)


def run(probe_loss: Sequence[float] | np.ndarray[Any, Any], **changes: Any) -> Run:
    """Return a completed run of a loss that was probed at every step."""
    length = len(probe_loss)
    fields: dict[str, Any] = {
        "trial": Trial(lr=changes.pop("lr", 0.1), seed=changes.pop("seed", 0), steps=changes.pop("steps", length)),
        "trace": trace(length, loss=probe_loss, probe_loss=probe_loss),
        "outcome": Completed(),
        "initial_loss": float(probe_loss[0]) if length else None,
        "score": float(np.mean(probe_loss[-max(1, length // 10) :])) if length else None,
        "score_error": 0.0,
    }
    return Run(**{**fields, **changes})
