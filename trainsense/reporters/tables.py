"""Tables: every trial and every step as CSV, for people who want to look for themselves."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from trainsense.records.outcome import Completed
from trainsense.records.run import Run
from trainsense.records.trace import COLUMNS

FLOAT_FORMAT: Final = "%.6g"


def trials_table(runs: Iterable[tuple[str, Run]]) -> pd.DataFrame:
    """Return one row per trial.

    Args:
        runs: pairs of the purpose of a trial and its run.

    Returns:
        Columns: the index `trial` (as in `traces_table`), `purpose`, the settings of the trial (`edits` as names with a
        space between them), `outcome` as a sentence, `reason` (its code, empty for trials that ran to the end),
        `stopped_at`, the figures measured, and `metrics.<name>` for each of the user's own. Figures that were not
        measured are missing.
    """
    rows = [_row(purpose, run) for purpose, run in runs]
    table = pd.DataFrame(rows, index=pd.RangeIndex(len(rows), name="trial"))
    if rows:
        table["stopped_at"] = table["stopped_at"].astype("Int64")
    return table


def traces_table(runs: Iterable[tuple[str, Run]]) -> pd.DataFrame:
    """Return one row per step: `trial` (as in `trials_table`), `step` from 0, and the columns of the trace."""
    traces = [run.trace for _, run in runs]
    lengths = [len(trace) for trace in traces]
    columns: dict[str, Any] = {
        "trial": np.repeat(np.arange(len(traces)), lengths),
        "step": np.concatenate([np.empty(0, dtype=np.int64), *(np.arange(length) for length in lengths)]),
    }
    for name in COLUMNS:
        columns[name] = np.concatenate([np.empty(0), *(getattr(trace, name) for trace in traces)])
    return pd.DataFrame(columns)


def write_tables(runs: Iterable[tuple[str, Run]], directory: Path) -> dict[str, str]:
    """Write `trials.csv` and `traces.csv` into `directory`, which is made if it is not there.

    Returns:
        Name of the table (`trials`, `traces`) to its file name.
    """
    pairs = list(runs)
    directory.mkdir(parents=True, exist_ok=True)
    trials_table(pairs).to_csv(directory / "trials.csv", float_format=FLOAT_FORMAT, encoding="utf-8")
    traces_table(pairs).to_csv(directory / "traces.csv", float_format=FLOAT_FORMAT, index=False, encoding="utf-8")
    return {"trials": "trials.csv", "traces": "traces.csv"}


def _row(purpose: str, run: Run) -> dict[str, Any]:
    return {
        "purpose": purpose,
        **asdict(run.trial),
        "edits": " ".join(run.trial.edits),
        "outcome": run.outcome.text,
        "reason": "" if isinstance(run.outcome, Completed) else run.outcome.reason,
        "stopped_at": run.stopped_at,
        "score": run.score,
        "score_error": run.score_error,
        "initial_loss": run.initial_loss,
        "final_probe_loss": run.final_probe_loss,
        "shuffle_gap": run.shuffle_gap,
        "output_spread": run.output_spread,
        "final_attention_logit": run.final_attention_logit,
        "seconds": run.seconds,
        **{f"metrics.{name}": value for name, value in run.metrics.items()},
    }
