"""A report that has one of everything a pipeline is told, and its suite."""

from dataclasses import replace
from pathlib import Path

from tests.reporters.sample_reports import unhealthy
from trainsense.records.baseline import Baseline
from trainsense.records.finding import Finding, Ignored, NotAssessed, Passed
from trainsense.records.location import Location
from trainsense.records.provenance import Provenance
from trainsense.records.report import Report, Threshold
from trainsense.reporters.interface import Rendering
from trainsense.reporters.suite import Case, Suite
from trainsense.reporters.suite.of_report import suite_of_report
from trainsense.rules import RULES

PAGES = {rule.name: rule for rule in RULES}
IN_A_LIBRARY = Location(module="net.norm", file="/usr/lib/python3/torch/norm.py", line=99)
IN_THE_MODEL = Location(module="net.3.act", file="models/my net.py", line=42)
DEAD = Finding(
    rule="dead-relu",
    severity="warning",
    title="60% of net.3 is dead",
    detail="It gives zero.",
    evidence={"dead": 0.6},
    fixes=("replace-activation",),
    locations=(IN_A_LIBRARY, IN_THE_MODEL),
)
KNOWN = Finding(
    rule="missing-residual",
    severity="warning",
    title="Deep and plain",
    detail="",
    locations=(IN_A_LIBRARY,),
)


def everything() -> Report:
    """Return a report with findings new and known, located and not, a crash, and rules that were set aside."""
    sick = unhealthy()
    return replace(
        sick,
        workload=replace(sick.workload, source="recipes/post_norm.py:workload"),
        findings=(*sick.findings, DEAD, KNOWN),
        baseline=Baseline(source="main.json", findings={"missing-residual": "warning"}),
        not_assessed=(*sick.not_assessed, NotAssessed(rule="ignores-input", reason="KeyError: 'x'", crashed=True)),
        ignored=(
            Ignored(
                rule="small-batch-norm",
                reason="batches are of 2 in the test, #12",
                severity="error",
                title="2 examples a batch",
                locations=(IN_THE_MODEL,),
            ),
            Ignored(rule="example-leak", reason="not selected"),
        ),
        passed=(*sick.passed, Passed(rule="of-another-version", text="fine")),
        provenance=Provenance(
            started="2026-11-21T10:00:00+00:00",
            seed=7,
            budget="10m",
            python="3.11.7",
            torch="2.6.0",
            platform="Linux x86_64",
        ),
    )


def suite(report: Report, fail_on: Threshold = "error", directory: Path | None = None) -> Suite:
    """Return a report's suite, with the pages of all rules."""
    return suite_of_report(report, Rendering(fail_on=fail_on, pages=PAGES, directory=directory))


def rules_of(report: Report) -> set[str]:
    """Return the names of all rules that a report names."""
    said: tuple[Finding | Passed | NotAssessed | Ignored, ...]
    said = (*report.findings, *report.passed, *report.not_assessed, *report.ignored)
    return {one.rule for one in said}


def case_of(found: Suite, name: str) -> Case:
    """Return the one case of a name."""
    (case,) = (case for case in found.cases if case.name == name)
    return case
