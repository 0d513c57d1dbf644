"""Runs to bytes and back."""

import json
import math
from dataclasses import fields

import numpy as np
import pytest

from trainsense.records.outcome import Completed, Crashed, Diverged, Outcome
from trainsense.records.run import Run
from trainsense.records.trace import COLUMNS, Trace, empty_trace
from trainsense.records.trial import Trial
from trainsense.store.codec import decode, encode

SPECIAL = np.array([0.1, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1.7976931348623157e308])


def same(one: Run, two: Run) -> bool:
    """Compare bit by bit; `repr` of a float tells all of it but the sign of NaN."""
    figures = [field.name for field in fields(Run) if field.name != "trace"]
    traces = all(getattr(one.trace, name).tobytes() == getattr(two.trace, name).tobytes() for name in COLUMNS)
    return traces and all(repr(getattr(one, name)) == repr(getattr(two, name)) for name in figures)


def trace() -> Trace:
    """Return one with every special value in every column."""
    return Trace(**{name: np.roll(SPECIAL, shift) for shift, name in enumerate(COLUMNS)})


OUTCOMES: list[Outcome] = [
    Completed(),
    Diverged(reason="non-finite-loss", step=6, value=math.nan),
    Diverged(reason="loss-explosion", step=6, value=1e300),
    Crashed(reason="exception", step=0, message='ValueError: "x"\nµ', user_traceback="Traceback\n  \x00"),
]


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("rows", [trace(), empty_trace()], ids=["special", "empty"])
def test_a_run_comes_back_exactly(outcome: Outcome, rows: Trace) -> None:
    """Every figure, NaN and infinities included."""
    run = Run(
        trial=Trial(lr=1 / 3, seed=2, steps=7, clip_norm=0.1, stop_loss=1e9, warmup_steps=3, schedule="linear"),
        trace=rows,
        outcome=outcome,
        initial_loss=math.inf,
        score=math.nan,
        score_error=0.1 + 0.2,
        final_probe_loss=-0.0,
        shuffle_gap=None,
        constant_gap=-0.25,
        output_spread=1e-320,
        final_attention_logit=3.0,
        metrics={"accuracy": 0.5, "f1": math.nan},
        seconds=1.5,
    )
    assert same(decode(*encode(run)), run)


def test_figures_of_numpy_come_back_as_floats() -> None:
    """Whoever made them."""
    run = Run(trial=Trial(lr=0.1, seed=0, steps=1), outcome=Completed(), score=float(np.float64(0.25)))
    assert decode(*encode(run)).score == 0.25


def test_a_trace_of_plain_rows_is_read() -> None:
    """As runs were kept before their columns were packed."""
    run = Run(trial=Trial(lr=0.1, seed=0, steps=7), trace=trace(), outcome=Completed(), score=0.25)
    figures = json.loads(encode(run)[0])
    del figures["trace"]
    rows = np.stack([getattr(run.trace, name) for name in COLUMNS]).astype("<f8").tobytes()
    assert same(decode(json.dumps(figures), rows), run)


def test_an_unknown_layout_is_told() -> None:
    """Rather than read as something else."""
    text, rows = encode(Run(trial=Trial(lr=0.1, seed=0, steps=7), trace=trace(), outcome=Completed()))
    with pytest.raises(ValueError, match="layout"):
        decode(json.dumps(json.loads(text) | {"trace": "spirals"}), rows)
