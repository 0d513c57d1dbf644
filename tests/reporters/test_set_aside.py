"""What is ignored and what the baseline has already, in the text report."""

from dataclasses import replace

import pytest

from tests.reporters.sample_reports import healthy, unhealthy
from tests.reporters.test_text import text
from trainsense.records.baseline import Baseline
from trainsense.records.finding import Finding, Ignored
from trainsense.records.selection import NOT_SELECTED


def section(report_text: str, title: str) -> str:
    """Return what stands under a heading, on one line."""
    return " ".join(report_text.split(f"\n{title}\n")[1].split("\n\n", maxsplit=1)[0].split())


def test_ignored_rules_stand_under_other_checks() -> None:
    """With what they would have found, and the reason in the user's words, which are no markup."""
    ignored = (
        Ignored(rule="dead-relu", reason="[b]sparse[/b] \x1b[31m", severity="error", title="Units are dead"),
        Ignored(rule="lr-too-low", reason="no reason given"),
    )
    shown = section(text(replace(healthy(), ignored=ignored)), "Other checks")
    assert "ignored dead-relu (error: Units are dead): [b]sparse[/b] [31m" in shown
    assert "ignored lr-too-low: no reason given" in shown


@pytest.mark.parametrize(
    ("count", "line"), [(1, "ignored rule-0: not selected"), (30, "ignored 30 rules: not selected")]
)
def test_rules_that_are_not_selected_are_one_line(count: int, line: str) -> None:
    """Whatever they would have found; the JSON report has each."""
    ignored = tuple(
        Ignored(rule=f"rule-{index}", reason=NOT_SELECTED, severity="note", title="t") for index in range(count)
    )
    assert section(text(replace(healthy(), ignored=ignored)), "Other checks").count(line) == 1
    assert text(replace(healthy(), ignored=ignored)).count("ignored") == 1


def test_known_findings_are_marked_and_new_ones_counted() -> None:
    """A finding that has become worse is new."""
    source = "[i]main[/i].json"
    known = Baseline(source=source, findings={"best-lr-at-edge": "warning", "early-instability": "warning"})
    shown = text(replace(unhealthy(), baseline=known))
    assert f"New findings: 2 of 3 (baseline {source})." in shown
    marks = {block.split("\n")[0].split()[-1]: block for block in shown.split("Findings\n")[1].split("\n\n")}
    assert [rule for rule, block in marks.items() if f"known: in the baseline {source}" in block] == ["best-lr-at-edge"]


def test_without_a_baseline_nothing_is_said_of_it() -> None:
    shown = text(unhealthy())
    assert "known:" not in shown
    assert "New findings" not in shown


def test_a_baseline_takes_the_worst_of_a_rule() -> None:
    findings = [Finding(rule="dead-relu", severity=severity, title="t", detail="d") for severity in ("error", "note")]
    known = Baseline.of("base.json", findings)
    assert known.knows(findings[0])
    assert known.knows(findings[1])
