"""Runs to bytes and back: JSON and plain arrays, nothing that could execute."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from trainsense.records.outcome import Completed, Crashed, Diverged, Dropped, Outcome
from trainsense.records.run import Run
from trainsense.records.trace import COLUMNS, Trace
from trainsense.records.trial import Trial
from trainsense.store.columns import Column, packed, unpacked

_OUTCOMES: Final[dict[str, type[Completed] | type[Dropped] | type[Diverged] | type[Crashed]]] = {
    kind.__name__: kind for kind in (Completed, Dropped, Diverged, Crashed)
}
_FIGURES: Final = (
    "initial_loss",
    "score",
    "score_error",
    "final_probe_loss",
    "shuffle_gap",
    "constant_gap",
    "mean_output_gap",
    "output_spread",
    "final_attention_logit",
    "metrics",
    "seconds",
)


_LAYOUT: Final = "trace"
_PACKED: Final = "columns"
_PLAIN: Final = "rows"
"""How a trace was written before its columns were packed: `COLUMNS` as little-endian float64, one after another."""


def encode(run: Run) -> tuple[str, bytes]:
    """Return the run's figures as JSON text and its trace as packed `COLUMNS`."""
    figures: dict[str, Any] = {name: getattr(run, name) for name in _FIGURES}
    figures["metrics"] = dict(run.metrics)
    figures["trial"] = asdict(run.trial)
    figures["outcome"] = {"kind": type(run.outcome).__name__, **asdict(run.outcome)}
    figures[_LAYOUT] = _PACKED
    return json.dumps(figures), packed([getattr(run.trace, name) for name in COLUMNS])


def decode(figures: str, rows: bytes) -> Run:
    """Return the run that `encode` was given; also of the plain rows that it wrote once.

    Raises:
        ValueError, KeyError, TypeError: the text or the bytes are not what `encode` writes.
    """
    document = json.loads(figures)
    ending = dict(document["outcome"])
    outcome: Outcome = _OUTCOMES[ending.pop("kind")](**ending)
    layout = document.get(_LAYOUT, _PLAIN)
    if layout not in _READERS:
        msg = f"a trace of the unknown layout {layout!r}"
        raise ValueError(msg)
    return Run(
        trial=Trial(**document["trial"] | {"edits": tuple(document["trial"]["edits"])}),
        trace=Trace(**dict(zip(COLUMNS, _READERS[layout](rows), strict=True))),
        outcome=outcome,
        **{name: document[name] for name in _FIGURES},
    )


def _plain(rows: bytes) -> list[Column]:
    return [column.copy() for column in np.frombuffer(rows, dtype="<f8").reshape(len(COLUMNS), -1)]


_READERS: Final[dict[str, Callable[[bytes], list[Column]]]] = {
    _PLAIN: _plain,
    _PACKED: lambda rows: unpacked(rows, len(COLUMNS)),
}
