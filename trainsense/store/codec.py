"""Runs to bytes and back: JSON and plain float64 arrays, nothing that could execute."""

import json
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from trainsense.records.outcome import Completed, Crashed, Diverged, Dropped, Outcome
from trainsense.records.run import Run
from trainsense.records.trace import COLUMNS, Trace
from trainsense.records.trial import Trial

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


def encode(run: Run) -> tuple[str, bytes]:
    """Return the run's figures as JSON text and its trace as little-endian float64 rows of `COLUMNS`."""
    figures: dict[str, Any] = {name: getattr(run, name) for name in _FIGURES}
    figures["metrics"] = dict(run.metrics)
    figures["trial"] = asdict(run.trial)
    figures["outcome"] = {"kind": type(run.outcome).__name__, **asdict(run.outcome)}
    rows = np.stack([getattr(run.trace, name) for name in COLUMNS]).astype("<f8")
    return json.dumps(figures), rows.tobytes()


def decode(figures: str, rows: bytes) -> Run:
    """Return the run that `encode` was given.

    Raises:
        ValueError, KeyError, TypeError: the text or the bytes are not what `encode` writes.
    """
    document = json.loads(figures)
    ending = dict(document["outcome"])
    outcome: Outcome = _OUTCOMES[ending.pop("kind")](**ending)
    columns = np.frombuffer(rows, dtype="<f8").reshape(len(COLUMNS), -1)
    return Run(
        trial=Trial(**document["trial"] | {"edits": tuple(document["trial"]["edits"])}),
        trace=Trace(**{name: columns[index].copy() for index, name in enumerate(COLUMNS)}),
        outcome=outcome,
        **{name: document[name] for name in _FIGURES},
    )
