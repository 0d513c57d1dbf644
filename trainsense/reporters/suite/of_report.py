"""The suite of a report."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from trainsense.records.finding import SEVERITIES, Finding, Ignored, NotAssessed, Passed
from trainsense.records.report import Report
from trainsense.records.selection import NO_REASON
from trainsense.reporters.interface import Rendering
from trainsense.reporters.plot_files import plot_files
from trainsense.reporters.suite.case import Case, Status, Suite
from trainsense.reporters.suite.finding_text import finding_text, more_text
from trainsense.reporters.suite.known_figures import facts

OTHER = "other"
"""The family of a rule that this version does not know."""


def suite_of_report(report: Report, rendering: Rendering) -> Suite:
    """Return one case for each rule, causes first; rules that only the report knows come last.

    A rule that the report does not name is skipped: the command was not about it. So every command has the same cases.
    """
    cases = {case.name: case for case in _Cases(report=report, rendering=rendering).all()}
    return Suite(
        command=report.command,
        workload=report.workload.name,
        source=report.workload.source,
        version=report.version,
        verdict=report.verdict,
        summary=report.summary,
        cases=tuple(cases[name] for name in dict.fromkeys((*rendering.pages, *cases))),
        properties=facts(report),
        seconds=report.cost.seconds,
        started="" if report.provenance is None else report.provenance.started,
    )


@dataclass(frozen=True, kw_only=True)
class _Cases:
    """The cases of one report."""

    report: Report
    rendering: Rendering

    def all(self) -> Iterator[Case]:
        """Yield them; of a rule that is named twice the one that matters more comes later."""
        report = self.report
        yield from map(self._not_named, self.rendering.pages)
        yield from map(self._passed, report.passed)
        yield from map(self._ignored, report.ignored)
        yield from map(self._not_assessed, report.not_assessed)
        by_rule: dict[str, list[Finding]] = {}
        for finding in sorted(report.findings, key=lambda finding: SEVERITIES.index(finding.severity)):
            by_rule.setdefault(finding.rule, []).append(finding)
        yield from map(self._found, by_rule.values())

    def _not_named(self, rule: str) -> Case:
        return self._case(rule, "skipped", reason=f"not judged by {_line(self.report.command)}")

    def _passed(self, passed: Passed) -> Case:
        return self._case(passed.rule, "passed", body=passed.text)

    def _ignored(self, ignored: Ignored) -> Case:
        reason = ignored.reason or NO_REASON
        found = "" if ignored.severity is None else f"; it would have found ({ignored.severity})"
        return self._case(
            ignored.rule,
            "skipped",
            reason=f"ignored, {reason}{found}",
            ignored=reason,
            severity=ignored.severity,
            title=_line(ignored.title),
            locations=ignored.locations,
        )

    def _not_assessed(self, rule: NotAssessed) -> Case:
        if rule.crashed:
            return self._case(rule.rule, "crashed", reason=f"the check crashed: {_line(rule.reason)}")
        return self._case(rule.rule, "skipped", reason=f"not assessed: {_line(rule.reason)}")

    def _found(self, findings: Sequence[Finding]) -> Case:
        """Return the case of one rule; of several findings, which a report of ours never has, the worst comes first."""
        worst, report = findings[0], self.report
        reason = self._why_not_failed(worst)
        return self._case(
            worst.rule,
            "skipped" if reason else "failed",
            reason=reason,
            severity=worst.severity,
            title=_line(worst.title),
            body="\n\n".join(finding_text(finding, report) for finding in findings),
            locations=tuple(chain.from_iterable(finding.locations for finding in findings)),
            attachments=plot_files(
                chain.from_iterable(finding.plots for finding in findings), report.plots, self.rendering.directory
            ),
            known=None if report.baseline is None else report.known(worst),
        )

    def _why_not_failed(self, finding: Finding) -> str:
        fail_on, baseline = self.rendering.fail_on, self.report.baseline
        if finding in self.report.failing(fail_on):
            return ""
        if baseline is not None and baseline.knows(finding):
            return f"{finding.severity}, known from {_line(baseline.source)}"
        return f"{finding.severity}, below --fail-on {fail_on}"

    def _case(self, rule: str, status: Status, *, body: str = "", **said: Any) -> Case:
        page = self.rendering.pages.get(rule)
        case = Case(name=rule, family=OTHER if page is None else page.family, status=status, **said)
        known = "" if page is None else more_text(rule)
        return replace(
            case,
            text="\n\n".join(text for text in (case.message, body.strip(), known) if text),
            summary="" if page is None else page.summary,
            page="" if page is None else page.page,
        )


def _line(text: str) -> str:
    return " ".join(text.split())
