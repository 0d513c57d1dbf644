"""Tests of the tables."""

import time
from pathlib import Path

import numpy as np
import pandas as pd

from tests.reporters.samples import diverged, trace, trained
from trainsense.records.outcome import Skipped
from trainsense.records.run import Run
from trainsense.records.trace import COLUMNS
from trainsense.records.trial import Trial
from trainsense.reporters.tables import traces_table, trials_table, write_tables

RUNS = [
    ("sweep", trained(0.1, 0.3)),
    ("sweep", diverged(1.0, at=40)),
    ("warmup", Run(trial=Trial(lr=2.0, seed=0, steps=10), outcome=Skipped(reason="budget"))),
]
STEPS = 300 + 41


def test_a_row_per_trial() -> None:
    """Settings, outcome in words and as a code, figures, the user's own metrics."""
    table = trials_table(RUNS)
    assert table["purpose"].tolist() == ["sweep", "sweep", "warmup"]
    assert table["outcome"].tolist() == [
        "ran to the end",
        "the loss became nan at step 40",
        "not run: the budget was spent",
    ]
    assert table["reason"].tolist() == ["", "non-finite-loss", "budget"]
    assert table["stopped_at"].isna().tolist() == [True, False, True]
    assert table["metrics.accuracy"].isna().tolist() == [False, True, True]
    assert {"optimizer", "edits", "eval_every"} <= set(table.columns)
    assert {"lr", "seed", "steps", "schedule", "warmup_steps", "clip_norm", "score", "seconds"} <= set(table.columns)


def test_the_optimizer_and_the_edits_of_a_trial(tmp_path: Path) -> None:
    """Names with a space between them; nothing where the workload's own optimizer and model were left alone."""
    edited = Trial(lr=0.1, seed=0, steps=10, optimizer="AdamW", edits=("pre-norm", "zero-init-residual"))
    runs = [RUNS[0], ("edit", Run(trial=edited, outcome=Skipped(reason="budget")))]
    write_tables(runs, tmp_path)
    table = pd.read_csv(tmp_path / "trials.csv", keep_default_na=False)
    assert table["optimizer"].tolist() == ["", "AdamW"]
    assert table["edits"].tolist() == ["", "pre-norm zero-init-residual"]


def test_a_row_per_step() -> None:
    """The trial's number is its row in the other table."""
    table = traces_table(iter(RUNS))
    assert list(table.columns) == ["trial", "step", *COLUMNS]
    assert len(table) == STEPS
    assert table.loc[table["trial"] == 1, "step"].tolist() == list(range(41))


def test_the_files(tmp_path: Path) -> None:
    """They can be read back and joined."""
    files = write_tables(iter(RUNS), tmp_path / "tables")
    trials = pd.read_csv(tmp_path / "tables" / files["trials"])
    traces = pd.read_csv(tmp_path / "tables" / files["traces"])
    assert len(traces.merge(trials, on="trial")) == STEPS
    assert trials["stopped_at"].tolist()[1] == 40


def test_no_trials_give_empty_tables(tmp_path: Path) -> None:
    """With the headings of the traces."""
    write_tables([], tmp_path)
    assert list(pd.read_csv(tmp_path / "traces.csv").columns) == ["trial", "step", *COLUMNS]


def test_a_hundred_thousand_rows_are_quick(tmp_path: Path) -> None:
    """Seconds of processor time, not minutes."""
    noise = np.random.default_rng(0).standard_normal(100_000)
    run = Run(trial=Trial(lr=0.1, seed=0, steps=100_000), trace=trace(noise, lr=0.1), outcome=RUNS[0][1].outcome)
    begin = time.process_time()
    write_tables([("sweep", run)], tmp_path)
    assert time.process_time() - begin < 5.0
