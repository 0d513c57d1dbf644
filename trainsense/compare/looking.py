"""Whether a report had looked for what a rule finds."""

from dataclasses import dataclass
from typing import Final

from trainsense.records.report import Report

WHOLE: Final = frozenset({"diagnose", "preflight"})
"""Commands whose reports name every rule that they are about; the others leave out what they could not assess."""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """Whether a report without a finding had looked for it.

    Args:
        looked: whether it had.
        reason: why not, one phrase; empty if it had.
    """

    looked: bool
    reason: str = ""


def had_looked(report: Report, rule: str, other: Report) -> Looked:
    """Say whether `report`, which has no finding of `rule`, had looked.

    A report that names no passed rules at all is one of few words: it counts as having looked, unless it says otherwise.

    Args:
        report: the report without the finding.
        rule: the rule's name.
        other: the report with the finding.
    """
    reason = _said(report, rule)
    if not reason and report.passed and all(one.rule != rule for one in report.passed):
        reason = _unsaid(report, other)
    return Looked(looked=not reason, reason=reason)


def _said(report: Report, rule: str) -> str:
    """Return why the report had not looked by its own words, empty where it does not say so."""
    for unable in report.not_assessed:
        if unable.rule == rule:
            return f"not assessed: {unable.reason}"
    for aside in report.ignored:
        if aside.rule == rule:
            found = "; it would have been found" if aside.severity else ""
            return f"set aside: {aside.reason}{found}"
    return ""


def _unsaid(report: Report, other: Report) -> str:
    """Return why a report that names other rules does not name this one, empty where it should have."""
    if report.command != other.command:
        return f"{report.command} says nothing of it"
    if report.version != other.version:
        return f"trainsense {report.version} says nothing of it"
    return "" if report.command in WHOLE else "not assessed in that run"
