"""Writes report, tables and plots into the run directory."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from trainsense.errors import StoreError
from trainsense.records.evidence import Evidence
from trainsense.records.finding import Finding
from trainsense.records.report import Report
from trainsense.records.run import Run
from trainsense.records.settings import Settings
from trainsense.reporters.charts import draw_charts
from trainsense.reporters.json import write_json
from trainsense.reporters.tables import write_tables

PLOTS: Final = "plots"
REPORT: Final = "report.json"


def save_plots(
    evidence: Sequence[Evidence],
    directory: Path,
    *,
    user_lr: float | None,
    recommended: Settings | None,
    findings: Sequence[Finding],
) -> dict[str, str]:
    """Draw all plots for which there is evidence; return name -> path relative to the run directory."""
    with _writing(directory):
        (directory / PLOTS).mkdir(parents=True, exist_ok=True)
        drawn = draw_charts(evidence, directory / PLOTS, user_lr=user_lr, recommended=recommended, findings=findings)
    return {name: f"{PLOTS}/{file}" for name, file in drawn.items()}


def save_report(report: Report, runs: Sequence[tuple[str, Run]], directory: Path) -> None:
    """Write the report as JSON and, where anything was trained, the tables of trials and traces as CSV."""
    with _writing(directory):
        if runs:
            write_tables(runs, directory)
        target = directory / REPORT
        partial = target.with_suffix(".json.partial")
        with partial.open("w", encoding="utf-8") as stream:
            write_json(report, stream)
        partial.replace(target)


class _writing:  # noqa: N801 - reads as a verb where it is used
    """Turns a failure to write into one clear error."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            msg = f"The run directory {self._directory} cannot be written: {error.strerror or error}. The trials are kept."
            raise StoreError(msg) from error
