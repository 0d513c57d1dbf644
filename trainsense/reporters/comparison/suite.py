"""The comparison as machines count it: a case for each rule and for each figure."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from trainsense.records.report_comparison import ChangedFinding, ComparedFigure, ReportComparison
from trainsense.reporters.comparison.words import reading_text, reason_text, severity_text, title_of
from trainsense.reporters.interface import Rendering
from trainsense.reporters.suite import Case, Suite
from trainsense.reporters.suite.finding_text import place_text

RULES: Final = "compare.findings"
FIGURES: Final = "compare.figures"
"""Families: a rule and a figure may share a name."""


def suite_of_comparison(comparison: ReportComparison, rendering: Rendering) -> Suite:
    """Return the cases: a regression fails, what is no worse passes, what cannot be judged is skipped."""
    base, new = comparison.base, comparison.new
    return Suite(
        command="compare",
        workload=title_of(comparison),
        source=new.report.workload.source,
        version=comparison.version,
        verdict=comparison.verdict,
        summary=comparison.summary,
        cases=tuple(_cases(comparison, rendering)),
        properties={
            "base": base.source,
            "new": new.source,
            "base_verdict": base.report.verdict,
            "new_verdict": new.report.verdict,
            "regressions": str(len(comparison.regressions)),
            "remarks": " ".join(comparison.remarks),
        },
    )


def _cases(comparison: ReportComparison, rendering: Rendering) -> Iterator[Case]:
    changed = {finding.rule for finding in comparison.findings}
    for finding in comparison.findings:
        yield _explained(_of_finding(finding), rendering)
    for passed in comparison.new.report.passed:
        if passed.rule not in changed:
            changed.add(passed.rule)
            yield Case(name=passed.rule, family=RULES, status="passed")
    for figure in comparison.figures:
        yield _of_figure(figure)


def _of_finding(finding: ChangedFinding) -> Case:
    """Return the case of a rule; only what is new or worse stands for something found."""
    told = Case(name=finding.rule, family=RULES, status="passed")
    if finding.change in {"gone", "milder"}:
        return told
    if finding.change not in {"new", "worse"}:
        reason = finding.reason if finding.change != "same" else "in BASE too"
        return replace(told, status="skipped", reason=f"{severity_text(finding)}, {reason}", title=finding.title)
    found = replace(told, severity=finding.severity, title=finding.title, locations=finding.locations, known=False)
    if finding.regression:
        return replace(found, status="failed")
    why = finding.reason or "a note asks for nothing"
    return replace(found, status="skipped", reason=f"{finding.change} {severity_text(finding)}, {why}")


def _explained(case: Case, rendering: Rendering) -> Case:
    page = rendering.pages.get(case.name)
    where = "\n".join(place for location in case.locations if (place := place_text(location)))
    more = f"more: trainsense explain {case.name}" if page is not None and case.message else ""
    return replace(
        case,
        text="\n\n".join(text for text in (case.message, where, more) if text),
        summary="" if page is None else page.summary,
        page="" if page is None else page.page,
    )


def _of_figure(figure: ComparedFigure) -> Case:
    base, new = (reading_text(figure, reading) for reading in (figure.base, figure.new))
    told = f"{figure.title} {figure.verdict}: {base} in BASE, {new} in NEW"
    case = Case(name=figure.name, family=FIGURES, status="passed")
    if figure.regression:
        failed = replace(case, status="failed", severity="error", title=told, known=False)
        return replace(failed, text=f"{failed.message}\n\n{reason_text(figure)}")
    if figure.verdict in {"not comparable", "only in one"}:
        skipped = replace(case, status="skipped", reason=f"{figure.verdict}: {figure.reason}")
        return replace(skipped, text=skipped.message)
    return case
