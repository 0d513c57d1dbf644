"""What became of each finding."""

from collections.abc import Mapping
from typing import Final

from trainsense.compare.figures.stage import entries
from trainsense.compare.looking import had_looked
from trainsense.records.finding import SEVERITIES, Finding, Severity
from trainsense.records.report import Report
from trainsense.records.report_comparison import ChangedFinding, FindingChange

SERIOUS: Final[tuple[Severity, ...]] = ("error", "warning")
"""A note is worth knowing and asks for nothing (CONTRACT 4): it never makes a regression."""

FAILED_BEFORE: Final = "your own setting failed on all seeds before: in which way is chance"
FAILS_STILL: Final = "your own setting still fails on all seeds: in which way is chance"
WAYS_TO_FAIL: Final = frozenset(
    {
        "early-instability",
        "mid-training-instability",
        "non-finite-loss",
        "input-collapse",
        "oscillating-loss",
        "lr-too-high",
    }
)
"""How training at the user's own setting fails. Where it fails on all seeds, which of them are found is a matter of the
draw: between seeds alone, at 60 steps, lr_too_high gained or lost one of them in 23 of 28 pairs of runs."""


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
    chance = rule in WAYS_TO_FAIL and _failing_anyway(base, new)
    if before is None:
        looked = had_looked(base, rule, new)
        return ChangedFinding(
            rule=rule,
            change="new",
            before=None,
            after=after.severity,
            title=after.title,
            reason=f"BASE had not looked ({looked.reason})" if not looked.looked else FAILED_BEFORE if chance else "",
            locations=after.locations,
            looked=looked.looked,
            by_chance=chance,
            regression=looked.looked and not chance and after.severity in SERIOUS,
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
        reason=FAILED_BEFORE if chance and change != "same" else "",
        locations=after.locations,
        by_chance=chance and change != "same",
        regression=change == "worse" and not chance,
    )


def _failing_anyway(other: Report, report: Report) -> bool:
    """Return whether the user's own setting fails on all seeds in both, on draws that are not the same.

    Args:
        other: the report without the finding, or with a milder one: it must name another way to fail as an error.
        report: the report with the finding.
    """
    if not any(finding.severity == "error" and finding.rule in WAYS_TO_FAIL for finding in other.findings):
        return False
    return not _same_draw(other, report) and _user_fails(other) and _user_fails(report)


def _user_fails(report: Report) -> bool:
    runs = list(entries(report.stages.get("user_setting", {}), "runs"))
    return bool(runs) and all(run.get("feasible") is False for run in runs)


def _same_draw(base: Report, new: Report) -> bool:
    """Return whether both trained the same workload, on the same seeds as far as they say."""
    seeds = [None if report.provenance is None else report.provenance.seed for report in (base, new)]
    return base.workload.fingerprint == new.workload.fingerprint and (None in seeds or seeds[0] == seeds[1])


def _without(before: Finding, new: Report, base: Report) -> ChangedFinding:
    looked = had_looked(new, before.rule, base)
    chance = before.rule in WAYS_TO_FAIL and _failing_anyway(new, base)
    return ChangedFinding(
        rule=before.rule,
        change="gone" if looked.looked else "not assessed any more",
        before=before.severity,
        after=None,
        title=before.title,
        reason=f"NEW has not looked ({looked.reason})" if not looked.looked else FAILS_STILL if chance else "",
        locations=before.locations,
        looked=looked.looked,
        by_chance=chance,
    )


def _rank(severity: Severity) -> int:
    return SEVERITIES.index(severity)


CHANGES: Final[tuple[FindingChange, ...]] = ("worse", "new", "not assessed any more", "milder", "gone", "same")


def _order(change: ChangedFinding) -> tuple[bool, int, int]:
    return not change.regression, CHANGES.index(change.change), _rank(change.severity)
