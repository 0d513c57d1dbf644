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
    unable = next((one for one in report.not_assessed if one.rule == rule), None)
    if unable is not None:
        return Looked(looked=False, reason=f"not assessed: {unable.reason}")
    aside = next((one for one in report.ignored if one.rule == rule), None)
    if aside is not None:
        found = f"; it would have been {_article(aside.severity)} {aside.severity}" if aside.severity else ""
        return Looked(looked=False, reason=f"set aside: {aside.reason}{found}")
    if not report.passed or any(one.rule == rule for one in report.passed):
        return Looked(looked=True)
    if report.command != other.command:
        return Looked(looked=False, reason=f"{report.command} says nothing of it")
    if report.version != other.version:
        return Looked(looked=False, reason=f"trainsense {report.version} says nothing of it")
    if report.command not in WHOLE:
        return Looked(looked=False, reason="not assessed in that run")
    return Looked(looked=True)


def _article(word: str | None) -> str:
    return "an" if word == "error" else "a"
