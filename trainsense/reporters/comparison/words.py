"""What text and document say alike of a comparison: figures as people read them, words with their tones."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from trainsense.records.finding import SEVERITIES, Severity
from trainsense.records.report import Report
from trainsense.records.report_comparison import ChangedFinding, Compared, ComparedFigure, Reading, ReportComparison
from trainsense.reporters.document import Tone
from trainsense.reporters.numbers import number_text
from trainsense.reporters.sections.layout import SEPARATOR

DIGITS: Final = 3
"""An interval is no wider than the third digit tells."""
NOT_GIVEN: Final = "–"
EDGE: Final = "edge_lr"
"""The figure whose interval lies between what trains and what fails."""
TONES: Final[dict[str, Tone]] = {
    "regressed": "unhealthy",
    "improved": "healthy",
    "changed": "note",
    "same": "healthy",
    "not comparable": "inconclusive",
    "better": "healthy",
    "worse": "error",
    "lower": "note",
    "higher": "note",
    "only in one": "inconclusive",
}
"""A verdict's tone; shown as sign, word and colour."""


def title_of(comparison: ReportComparison) -> str:
    """Return what was compared: the workload's name, or both."""
    names = dict.fromkeys(
        side.report.workload.name or side.report.workload.source or side.source
        for side in (comparison.base, comparison.new)
    )
    return " and ".join(names)


def side_text(side: Compared) -> str:
    """Return which report it is, on one line: where it lies, of which command, when."""
    report = side.report
    facts = (side.source, _name(report, side.source), f"{report.command}, trainsense {report.version}", _when(report))
    return SEPARATOR.join(fact for fact in facts if fact)


def reading_text(figure: ComparedFigure, reading: Reading | None) -> str:
    """Return a figure with its interval.

    >>> figure = ComparedFigure(name="loss", title="", interval="", base=None, new=None, verdict="same", reason="")
    >>> reading_text(figure, Reading(value=0.1, low=0.05, high=0.2)), reading_text(figure, None)
    ('0.1 (0.05 to 0.2)', '–')
    """
    value, interval = reading_parts(figure, reading)
    return f"{value} ({interval})" if interval else value


def reading_parts(figure: ComparedFigure, reading: Reading | None) -> tuple[str, str]:
    """Return a figure and its interval, which is empty where it says nothing beyond the figure."""
    if reading is None:
        return NOT_GIVEN, ""
    value = "none" if reading.value is None else number_text(reading.value, DIGITS)
    if figure.name == EDGE:
        fails = reading.high is not None and math.isfinite(reading.high)
        return value, f"fails from {number_text(reading.high, DIGITS)}" if fails else ""
    if reading.low is None or reading.high is None:
        return value, "no interval" if figure.interval and reading.value is not None else ""
    if reading.low == reading.high:
        return value, ""
    return value, f"{number_text(reading.low, DIGITS)} to {number_text(reading.high, DIGITS)}"


def given(figures: Sequence[ComparedFigure]) -> list[ComparedFigure]:
    """Return the figures that at least one report gives."""
    return [figure for figure in figures if figure.base is not None or figure.new is not None]


def in_neither(figures: Sequence[ComparedFigure]) -> str:
    """Return the titles of the others."""
    return ", ".join(figure.title for figure in figures if figure.base is None and figure.new is None)


def worth_a_reason(figure: ComparedFigure) -> bool:
    """Return whether the reason of a verdict says more than its word and the readings."""
    if figure.verdict == "only in one":
        return figure.base is not None and figure.new is not None
    return figure.verdict != "same" and figure.name not in {"trials", "steps", "seconds"}


def reason_text(figure: ComparedFigure) -> str:
    """Return why, and what the readings do not say."""
    notes = (("BASE", figure.base), ("NEW", figure.new))
    told = [
        f"{side}: {one.note}" for side, one in notes if one is not None and one.note and one.note not in figure.reason
    ]
    return "; ".join([figure.reason, *told])


def severity_text(finding: ChangedFinding) -> str:
    """Return the severity, or both where it changed.

    >>> severity_text(ChangedFinding(rule="r", change="worse", before="note", after="error", title="t"))
    'error, was note'
    """
    changed = finding.before is not None and finding.after is not None and finding.before != finding.after
    return f"{finding.after}, was {finding.before}" if changed else finding.severity


def by_change(findings: Sequence[ChangedFinding]) -> Iterator[tuple[str, list[ChangedFinding]]]:
    """Yield the findings by what became of them, in the order given."""
    for change in dict.fromkeys(one.change for one in findings):
        yield change, [one for one in findings if one.change == change]


def by_severity(findings: Sequence[ChangedFinding]) -> Iterator[tuple[Severity, str]]:
    """Yield the names of rules by severity, the worst first."""
    for severity in SEVERITIES:
        names = [one.rule for one in findings if one.severity == severity]
        if names:
            yield severity, ", ".join(names)


def _name(report: Report, source: str) -> str:
    name = report.workload.name
    return "" if name and name in source else name


def _when(report: Report) -> str:
    return "" if report.provenance is None else report.provenance.started
