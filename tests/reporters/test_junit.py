"""Tests of the JUnit format: what its readers read."""

import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from junitparser import JUnitXml, TestCase, TestSuite
from lxml import etree

from tests.reporters.machine_reports import DEAD, PAGES, everything, rules_of, suite
from tests.reporters.sample_reports import empty, healthy, unhealthy
from tests.reporters.strange_reports import REPORTS
from trainsense.records.finding import NotAssessed, Passed
from trainsense.records.report import Report, Threshold
from trainsense.reporters.junit import write_junit
from trainsense.reporters.suite import Case

XSD = etree.XMLSchema(etree.parse(Path(__file__).with_name("junit-10.xsd")))
ADDED = ("file", "line")
"""Attributes of a test case that GitLab and GitHub's actions read and the schema has not heard of."""


def written(report: Report, **options: Any) -> str:
    """Return the document as text."""
    stream = io.StringIO()
    write_junit(suite(report, **options), stream)
    return stream.getvalue()


def parsed(report: Report, **options: Any) -> TestSuite:
    """Return the one suite that junitparser reads, after a check against the schema."""
    data = written(report, **options).encode()
    document = etree.fromstring(data)
    for case in document.iter("testcase"):
        for name in ADDED:
            case.attrib.pop(name, None)
    XSD.assertValid(document)
    (only,) = JUnitXml.fromstring(data)
    assert isinstance(only, TestSuite)
    return only


def properties_of(found: TestSuite) -> dict[str, str]:
    """Return the properties by name."""
    listed = found.properties()  # type: ignore[no-untyped-call]
    return {one.name: one.value or "" for one in listed}


def case_of(report: Report, name: str, **options: Any) -> TestCase:
    """Return one test case."""
    (case,) = (case for case in parsed(report, **options) if case.name == name)
    assert isinstance(case, TestCase)
    return case


@pytest.mark.parametrize("fail_on", ["error", "warning", "note", "never"])
def test_the_counts_are_those_of_the_cases(fail_on: Threshold) -> None:
    """And as many fail as make the command fail."""
    report = everything()
    found = parsed(report, fail_on=fail_on)
    kinds = [type(result).__name__ for case in found for result in case.result]
    counted = (found.tests, found.failures, found.errors, found.skipped)
    assert counted == (len(list(found)), kinds.count("Failure"), kinds.count("Error"), kinds.count("Skipped"))
    assert found.failures == len(report.failing(fail_on))
    assert found.errors == 1
    root = etree.fromstring(written(report, fail_on=fail_on).encode())
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == tuple(map(str, counted[:3]))


def test_the_suite_says_what_was_diagnosed() -> None:
    """Name, time, time of day and properties."""
    found = parsed(everything())
    properties = properties_of(found)
    assert (found.name, found.time, found.timestamp) == ("trainsense.diagnose", 83.21, "2026-11-21T10:00:00+00:00")
    assert properties["workload"] == "résumé [red]net[/red] 日本語 [31m"
    known = {
        "best_lr": "0.1",
        "seed": "7",
        "device": "cpu",
        "verdict": "unhealthy",
        "source": "recipes/post_norm.py:workload",
    }
    assert known.items() <= properties.items()
    assert properties["summary"].startswith("Training fails")


def test_a_finding_is_a_failure_that_says_all_twice() -> None:
    """GitLab shows the text alone, others the message."""
    case = case_of(everything(), "early-instability")
    (failure,) = case.result
    title = "At your learning rate 0.3 the loss becomes NaN at step 30, on 1 of 1 seeds"
    assert (case.classname, failure.message, failure.type) == ("trainsense.stability", title, "error")
    assert failure.text.startswith(f"{title}\n\nThe loss rises from step 28 on")
    assert failure.text.count(title) == 1
    assert failure.text.endswith("more: trainsense explain early-instability")


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("overfitting", "not assessed: there is no eval_data"),
        ("example-leak", "ignored, not selected"),
        ("missing-residual", "warning, known from main.json: Deep and plain"),
    ],
)
def test_what_is_skipped_says_why(rule: str, reason: str) -> None:
    """As message and as text."""
    (skipped,) = case_of(everything(), rule).result
    assert skipped.message == reason
    assert skipped.text.startswith(reason)


def test_a_check_that_crashed_is_an_error() -> None:
    """Not a failure: nothing was found."""
    (error,) = case_of(everything(), "ignores-input").result
    assert (type(error).__name__, error.message) == ("Error", "the check crashed: KeyError: 'x'")


def test_what_passed_has_no_result() -> None:
    """Nor a text."""
    case = case_of(everything(), "no-gradient")
    assert (case.result, case.system_out) == ([], None)


def test_the_place_is_the_first_in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line in a library is nothing to link to, unless there is no other."""
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    root = etree.fromstring(written(everything()).encode())
    places = {case.get("name"): (case.get("file"), case.get("line")) for case in root.iter("testcase")}
    assert places["dead-relu"] == ("models/my net.py", "42")
    assert places["missing-residual"] == ("/usr/lib/python3/torch/norm.py", "99")
    assert places["early-instability"] == (None, None)


@pytest.mark.parametrize("variable", ["CI_PROJECT_DIR", None])
def test_attachments_are_found_from_the_root_of_the_repository(
    variable: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or from the current directory."""
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    project = tmp_path / "project"
    (project / "run" / "plots").mkdir(parents=True)
    for name in ("dead units.png", "a]].png"):
        (project / "run" / "plots" / name).write_bytes(b"x")
    monkeypatch.chdir(project if variable is None else tmp_path)
    if variable is not None:
        monkeypatch.setenv(variable, str(project))
    directory = Path("run") if variable is None else Path("project/run")
    plots = {"dead": "plots/dead units.png", "strange": "plots/a]].png"}
    report = replace(healthy(), findings=(replace(DEAD, plots=("strange", "dead")),), plots=plots)
    case = case_of(report, "dead-relu", directory=directory, fail_on="note")
    assert case.system_out == "[[ATTACHMENT|run/plots/dead units.png]]"


def test_names_stay_unique() -> None:
    """GitLab keeps one of two cases with one name."""
    rules = ("a", "a\x00", "a (2)", "\x01a")
    report = replace(healthy(), passed=tuple(Passed(rule=rule) for rule in rules))
    own = [case.name for case in parsed(report) if case.name not in PAGES]
    assert own == ["a", "a (2)", "a (2) (2)", "a (3)"]


def test_a_report_without_rules_is_a_suite_of_skipped_cases() -> None:
    """Valid, with its verdict; an unknown time is left out."""
    found = parsed(empty())
    assert (found.tests, found.skipped, found.timestamp) == (len(PAGES), len(PAGES), None)
    assert properties_of(found)["verdict"] == "inconclusive"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_the_document_is_utf_8_whatever_the_stream(encoding: str) -> None:
    """What the encoding lacks becomes a reference."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    write_junit(suite(everything()), stream)
    stream.flush()
    data = raw.getvalue()
    assert data.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n')
    (only,) = JUnitXml.fromstring(data)
    assert isinstance(only, TestSuite)
    assert "日本語" in properties_of(only)["workload"]


@pytest.mark.parametrize(
    ("strange", "kept"),
    [
        ("a\x00b\x1bc\x08", "abc"),
        ("a\ud800b\udfff", "ab"),
        ("a\ufffeb\uffff", "ab"),
        ("]]><!--&lt;", "]]><!--&lt;"),
        ("🔥\U0010fffd", "🔥\U0010fffd"),
        ("a\r\nb\tc", "a b c"),
    ],
)
def test_what_xml_forbids_is_removed_and_the_rest_kept(strange: str, kept: str) -> None:
    """In attributes and in texts."""
    report = replace(healthy(), not_assessed=(NotAssessed(rule="overfitting", reason=strange, crashed=True),))
    (error,) = case_of(report, "overfitting").result
    assert error.message == f"the check crashed: {kept}"
    assert error.text.startswith(error.message)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(report=REPORTS)
def test_any_report_is_a_valid_document(report: Report) -> None:
    """One case a rule, unique names, and no attachment that is not ours."""
    found = parsed(report)
    keys = [(case.classname, case.name) for case in found]
    assert len(set(keys)) == len(keys)
    rules = rules_of(report)
    assert len(keys) == len(rules | set(PAGES))
    assert all(case.system_out is None for case in found)


def test_a_suite_of_another_kind_is_written_too() -> None:
    """A comparison fills the fields that it has."""
    case = Case(
        name="best-lr", family="outcome", status="failed", severity="warning", title="lower", text="lower\nby half"
    )
    stream = io.StringIO()
    write_junit(replace(suite(unhealthy()), cases=(case,)), stream)
    assert re.search(r'<failure message="lower" type="warning">lower\n\nby half</failure>', stream.getvalue())
