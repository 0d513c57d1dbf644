"""Saved reports: a run directory, a file, or the name of a workload whose runs are kept here."""

from dataclasses import dataclass
from pathlib import Path

from trainsense.cli.request import DEFAULT_RUNS
from trainsense.errors import OptionError
from trainsense.records.baseline import Baseline
from trainsense.records.report import Report
from trainsense.reporters.saved import REPORT, saved_report


@dataclass(frozen=True, kw_only=True)
class KeptReport:
    """A saved report.

    Args:
        report: what was saved.
        source: as the user named it.
        directory: the folder of its file: its plots are relative to it.
    """

    report: Report
    source: str
    directory: Path


def kept_report(name: str) -> KeptReport:
    """Return the report that `name` means: a run directory, a `report.json`, or a name under `.trainsense`.

    Raises:
        CannotRunError: there is none, or it cannot be read.
    """
    path = _file_of(name)
    return KeptReport(report=saved_report(path), source=name, directory=path.parent)


def baseline_of(name: str) -> Baseline:
    """Return the findings of a saved report, to hold a new one against.

    Raises:
        CannotRunError: there is none, or it cannot be read.
    """
    return Baseline.of(name, kept_report(name).report.findings)


def _file_of(name: str) -> Path:
    named = Path(name).expanduser()
    for path in (named, DEFAULT_RUNS / name):
        if path.is_file():
            return path
        if path.is_dir():
            return _within(path)
    kept = sorted(path.parent.name for path in DEFAULT_RUNS.glob(f"*/{REPORT}"))
    here = f" Kept in {DEFAULT_RUNS}: {', '.join(kept)}." if kept else ""
    msg = f"There is no saved report {name!r}: name a run directory, a report.json, or a kept run.{here}"
    raise OptionError(msg)


def _within(directory: Path) -> Path:
    if (directory / REPORT).is_file():
        return directory / REPORT
    if (directory / "trials.sqlite").exists():
        msg = (
            f"{directory} has trials and no report: its command was killed before it could write one. Run the same "
            "command again: it carries on from what is kept."
        )
        raise OptionError(msg)
    msg = f"{directory} is no run directory: there is no {REPORT} in it."
    raise OptionError(msg)
