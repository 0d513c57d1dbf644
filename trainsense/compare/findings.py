"""What became of each finding."""

from collections.abc import Mapping
from typing import Final

from trainsense.compare.looking import had_looked
from trainsense.records.finding import SEVERITIES, Finding, Severity
from trainsense.records.report import Report
from trainsense.records.report_comparison import ChangedFinding, FindingChange

SERIOUS: Final[tuple[Severity, ...]] = ("error", "warning")
"""A note is worth knowing and asks for nothing (CONTRACT 4): it never makes a regression."""


def compare_findings(base: Report, new: Report) -> tuple[ChangedFinding, ...]:
    """Return one entry for each rule that found something in either report: regressions first, then by severity."""
    before, after = _by_rule(base), _by_rule(new)
    rules = [*after, *(rule for rule in before if rule not in after)]
    changes = [_change(rule, before.get(rule), after.get(rule), base, new) for rule in rules]
    return tuple(sorted(changes, key=_order))


def _by_rule(report: Report) -> Mapping[str, Finding]:
    """Return the findings by rule; of several of one rule the worst."""
    worst: dict[str, Finding] = {}
    for finding in report.findings:
        known = worst.get(finding.rule)
        if known is None or _rank(finding.severity) < _rank(known.severity):
            worst[finding.rule] = finding
    return worst


def _change(rule: str, before: Finding | None, after: Finding | None, base: Report, new: Report) -> ChangedFinding:
    if after is None:
        assert before is not None, "a rule that neither report has found"
        return _without(before, new, base)
    if before is None:
        looked = had_looked(base, rule, new)
        return ChangedFinding(
            rule=rule,
            change="new",
            before=None,
            after=after.severity,
            title=after.title,
            reason=f"BASE had not looked ({looked.reason})" if not looked.looked else "",
            locations=after.locations,
            looked=looked.looked,
            regression=looked.looked and after.severity in SERIOUS,
        )
    change: FindingChange = "same"
    if after.severity != before.severity:
        change = "worse" if _rank(after.severity) < _rank(before.severity) else "milder"
    return ChangedFinding(
        rule=rule,
        change=change,
        before=before.severity,
        after=after.severity,
        title=after.title,
        locations=after.locations,
        regression=change == "worse",
    )


def _without(before: Finding, new: Report, base: Report) -> ChangedFinding:
    looked = had_looked(new, before.rule, base)
    return ChangedFinding(
        rule=before.rule,
        change="gone" if looked.looked else "not assessed any more",
        before=before.severity,
        after=None,
        title=before.title,
        reason=f"NEW has not looked ({looked.reason})" if not looked.looked else "",
        locations=before.locations,
        looked=looked.looked,
    )


def _rank(severity: Severity) -> int:
    return SEVERITIES.index(severity)


CHANGES: Final[tuple[FindingChange, ...]] = ("worse", "new", "not assessed any more", "milder", "gone", "same")


def _order(change: ChangedFinding) -> tuple[bool, int, int]:
    return not change.regression, CHANGES.index(change.change), _rank(change.severity)
