"""What became of each finding, and whether it counts."""

from typing import Any

import pytest

from tests.compare.sample_sweeps import found, minimal, sweep, trials
from trainsense.compare import compare_reports
from trainsense.compare.findings import compare_findings
from trainsense.records.report import Report
from trainsense.records.report_comparison import ChangedFinding

PASSED = {"passed": [{"rule": "dead-relu"}]}


def only(base: Report, new: Report) -> ChangedFinding:
    """Return the one change."""
    (change,) = compare_findings(base, new)
    return change


@pytest.mark.parametrize(
    ("before", "after", "change", "regression"),
    [
        (None, "error", "new", True),
        (None, "warning", "new", True),
        (None, "note", "new", False),
        ("warning", "error", "worse", True),
        ("note", "warning", "worse", True),
        ("error", "note", "milder", False),
        ("error", "error", "same", False),
        ("error", None, "gone", False),
    ],
)
def test_a_finding_changes(before: str | None, after: str | None, change: str, *, regression: bool) -> None:
    """Notes are no regression; a report without lists counts as having looked."""
    base, new = (
        minimal(findings=[] if severity is None else [found("dead-relu", severity)]) for severity in (before, after)
    )
    said = only(base, new)
    assert (said.change, said.before, said.after, said.regression) == (change, before, after, regression)
    assert said.looked


UNLOOKED: list[dict[str, Any]] = [
    {"not_assessed": [{"rule": "dead-relu", "reason": "no ReLU"}], "passed": [{"rule": "lr-too-low"}]},
    {"ignored": [{"rule": "dead-relu", "reason": "on purpose", "severity": "error", "title": "t"}]},
    {"command": "sweep-lr", "passed": [{"rule": "lr-too-low"}]},
    {"trainsense": "0.0.9", "passed": [{"rule": "lr-too-low"}]},
]


@pytest.mark.parametrize("report", UNLOOKED)
def test_what_was_not_looked_for_is_no_regression_and_not_gone(report: dict[str, Any]) -> None:
    """Whether the report says so, is by another command, or by a version that may not know the rule."""
    finding = minimal(findings=[found("dead-relu")])
    new = only(minimal(**report), finding)
    assert (new.change, new.looked, new.regression) == ("new", False, False)
    assert new.reason.startswith("BASE had not looked (")
    gone = only(finding, minimal(**report))
    assert (gone.change, gone.looked) == ("not assessed any more", False)
    assert gone.reason.startswith("NEW has not looked (")


def test_a_stage_command_leaves_out_what_it_could_not_assess() -> None:
    """So that a rule it does not name was not looked for, by the same command too."""
    base = minimal(command="sweep-lr", passed=[{"rule": "lr-too-low"}])
    new = minimal(command="sweep-lr", findings=[found("best-lr-at-edge", "warning")])
    assert not only(base, new).looked
    assert only(minimal(passed=[{"rule": "lr-too-low"}]), minimal(findings=[found("dead-relu")])).regression


def test_gone_needs_a_look() -> None:
    """A rule that passed is gone."""
    assert only(minimal(findings=[found("dead-relu")]), minimal(**PASSED)).change == "gone"


def test_of_one_rule_the_worst_counts() -> None:
    """A stranger's report may name a rule twice."""
    new = minimal(findings=[found("dead-relu", "note"), found("dead-relu", "error")])
    assert only(minimal(), new).after == "error"


def failing(*rules: str, seed: int) -> Report:
    """Return a report whose user's own setting fails on both seeds."""
    runs = trials(0.5, ["nan", "nan"], seed=seed)
    provenance = {"started": "", "seed": seed, "budget": "", "python": "", "torch": "", "platform": ""}
    return minimal(
        findings=[found(rule) for rule in rules],
        stages={"sweep_lr": sweep(), "user_setting": {"lr": 0.5, "runs": runs}},
        provenance=provenance,
    )


def test_in_which_way_a_failing_setting_fails_is_chance() -> None:
    """On other seeds; on the same ones it is a change."""
    base = failing("lr-too-high", seed=0)
    other = compare_reports(base, failing("lr-too-high", "input-collapse", seed=10), version="1")
    assert [(one.change, one.by_chance, one.regression) for one in other.findings] == [
        ("new", True, False),
        ("same", False, False),
    ]
    assert other.verdict == "same"
    assert compare_reports(failing("lr-too-high", "input-collapse", seed=10), base, version="1").verdict == "same"
    same_seed = compare_reports(base, failing("lr-too-high", "input-collapse", seed=0), version="1")
    assert same_seed.verdict == "regressed"
    elsewhere = compare_reports(base, failing("lr-too-high", "dead-relu", seed=10), version="1")
    assert elsewhere.verdict == "regressed"


def test_regressions_come_first() -> None:
    """Then what is new, gone, the same; the worst first."""
    base = minimal(findings=[found("dead-relu"), found("lr-too-low", "note")])
    new = minimal(findings=[found("early-instability", "note"), found("dead-relu"), found("double-softmax")])
    order = [(one.rule, one.change) for one in compare_findings(base, new)]
    assert order == [
        ("double-softmax", "new"),
        ("early-instability", "new"),
        ("lr-too-low", "gone"),
        ("dead-relu", "same"),
    ]
