"""Tests of the SARIF format: valid, and what GitHub's code scanning asks for."""

import io
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft7Validator

from tests.reporters.machine_reports import DEAD, IN_A_LIBRARY, IN_THE_MODEL, everything, suite
from tests.reporters.sample_reports import empty, healthy
from tests.reporters.strange_reports import REPORTS
from trainsense.records.finding import Finding
from trainsense.records.location import Location
from trainsense.records.report import Report
from trainsense.reporters.sarif import write_sarif

MOST_DESCRIPTION = 1024
ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


@pytest.fixture(autouse=True)
def outside_of_pipelines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The root of the repository is the current directory."""
    for name in ROOTS:
        monkeypatch.delenv(name, raising=False)


@cache
def _validator() -> Draft7Validator:
    text = Path(__file__).with_name("sarif-schema-2.1.0.json").read_text(encoding="utf-8")
    return Draft7Validator(json.loads(text))


def run_of(report: Report) -> dict[str, Any]:
    """Return the one run of the document, after a check against the schema."""
    stream = io.StringIO()
    write_sarif(suite(report), stream)
    assert stream.getvalue().isascii()
    document = json.loads(stream.getvalue())
    _validator().validate(document)
    (run,) = document["runs"]
    assert isinstance(run, dict)
    return run


def results(report: Report) -> dict[str, dict[str, Any]]:
    """Return the results by rule."""
    return {result["ruleId"]: result for result in run_of(report)["results"]}


def place(result: dict[str, Any]) -> tuple[str, int]:
    """Return the path and line that GitHub takes."""
    physical = result["locations"][0]["physicalLocation"]
    return unquote(physical["artifactLocation"]["uri"]), physical["region"]["startLine"]


def located(*locations: Location, **changes: Any) -> Report:
    """Return a report with one finding at these places."""
    return replace(healthy(), findings=(replace(DEAD, locations=locations),), **changes)


def test_what_has_a_line_is_a_result_and_nothing_else() -> None:
    """Whole-run verdicts are left to the other formats; what is ignored would be an open alert on GitHub."""
    found = results(everything())
    assert {rule: result["level"] for rule, result in found.items()} == {
        "dead-relu": "warning",
        "missing-residual": "warning",
    }
    assert "small-batch-norm" in {ignored.rule for ignored in everything().ignored if ignored.severity == "error"}


def test_a_result_has_what_github_needs() -> None:
    """A relative address, a region, a message that begins with what was found."""
    result = results(everything())["dead-relu"]
    assert result["message"]["text"].startswith("60% of net.3 is dead\n\nIt gives zero.")
    assert place(result) == ("models/my net.py", 42)
    physical = result["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == "models/my%20net.py"
    assert physical["region"] == {"startLine": 42, "startColumn": 1, "endLine": 42, "endColumn": 2}
    assert result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "net.3.act"


def test_rules_say_what_they_are() -> None:
    """Each result points at its own."""
    run = run_of(everything())
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        rule = rules[result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert rule["defaultConfiguration"]["level"] == result["level"]
        assert rule["shortDescription"]["text"].endswith(".")
        assert len(rule["fullDescription"]["text"]) <= MOST_DESCRIPTION
        assert "## What to try" in rule["help"]["markdown"]
        assert rule["help"]["text"]
        assert rule["properties"]["problem.severity"] in {"error", "warning", "recommendation"}
        assert rule["properties"]["precision"] == "high"
        assert "security-severity" not in rule["properties"]
    assert rules[0]["properties"]["tags"] == ["trainsense", "architecture", "pytorch"]


def test_a_baseline_tells_new_from_known() -> None:
    """Without one, nothing is said of it."""
    found = results(everything())
    assert (found["dead-relu"]["baselineState"], found["missing-residual"]["baselineState"]) == ("new", "unchanged")
    assert "baselineState" not in results(replace(everything(), baseline=None))["dead-relu"]


def test_the_run_says_what_it_was() -> None:
    """Its category by workload, a crash as a notification, the verdict as a property."""
    run = run_of(replace(everything(), workload=replace(everything().workload, name="nets/resnet 50")))
    assert run["automationDetails"]["id"] == "trainsense/nets-resnet 50/"
    (invocation,) = run["invocations"]
    assert (invocation["executionSuccessful"], invocation["startTimeUtc"]) == (True, "2026-11-21T10:00:00Z")
    (crash,) = invocation["toolExecutionNotifications"]
    assert crash["message"]["text"].startswith("the check crashed: KeyError: 'x'")
    assert run["properties"]["verdict"] == "unhealthy"


@pytest.mark.parametrize("report", [healthy(), empty()], ids=["healthy", "empty"])
def test_a_run_without_results_is_a_document(report: Report) -> None:
    """GitHub closes the alerts of the last one by it."""
    assert run_of(report)["results"] == []


@pytest.mark.parametrize(
    ("locations", "source", "expected"),
    [
        ((IN_A_LIBRARY, IN_THE_MODEL), "net.py", ("models/my net.py", 42)),
        ((IN_A_LIBRARY,), "nets/net.py:workload", ("nets/net.py", 1)),
        ((IN_A_LIBRARY,), "nets.net:workload", None),
        ((IN_A_LIBRARY,), "/elsewhere/net.py", None),
        ((Location(module="net.3"),), "net.py", None),
        ((Location(file="net.py"),), "net.py", None),
        ((Location(file="../net.py", line=3),), "", None),
        ((Location(file="./a/../net.py", line=3),), "", ("net.py", 3)),
        ((Location(file=str(Path.cwd() / "nets" / "net.py"), line=3),), "", ("nets/net.py", 3)),
        ((Location(file="a:b?.py", line=3),), "", ("a:b?.py", 3)),
    ],
)
def test_the_place_is_inside_the_repository(
    locations: tuple[Location, ...], source: str, expected: tuple[str, int] | None
) -> None:
    """What lies elsewhere is placed at the workload's own file, or not at all."""
    report = located(*locations, workload=replace(healthy().workload, source=source))
    found = [place(result) for result in results(report).values()]
    assert found == ([] if expected is None else [expected])


def test_the_repository_may_begin_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a runner says."""
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    assert place(results(located(Location(file="net.py", line=3)))["dead-relu"]) == ("sub/net.py", 3)


def test_a_fingerprint_has_no_numbers() -> None:
    """The same fault is the same alert in the next run: other figures, other lines, another layer in the lead."""

    def fingerprint(finding: Finding, name: str = "net") -> str:
        report = replace(
            healthy(), findings=(finding,), workload=replace(healthy().workload, name=name, source="net.py")
        )
        (result,) = results(report).values()
        (value,) = result["partialFingerprints"].values()
        assert list(result["partialFingerprints"]) == ["primaryLocationLineHash"]
        assert isinstance(value, str)
        return value

    first = fingerprint(DEAD)
    moved = replace(IN_THE_MODEL, line=57, module="net.5.act")
    assert fingerprint(replace(DEAD, title="70%", detail="", evidence={"dead": 0.7}, locations=(moved,))) == first
    others = [
        fingerprint(replace(DEAD, rule="missing-residual")),
        fingerprint(replace(DEAD, locations=(replace(IN_THE_MODEL, file="b.py"),))),
        fingerprint(replace(DEAD, locations=(replace(IN_THE_MODEL, module="head.act"),))),
        fingerprint(DEAD, name="other"),
    ]
    assert len({first, *others}) == 5


def test_a_message_carries_no_link_of_a_stranger() -> None:
    """Nor a control character."""
    report = replace(located(IN_THE_MODEL), findings=(replace(DEAD, detail="[a](javascript:b) \x1b[31m\ud800"),))
    text = results(report)["dead-relu"]["message"]["text"]
    assert "[a] (javascript:b) [31m\ufffd" in text


def test_long_texts_are_cut_to_githubs_limits() -> None:
    """A rule that this version does not know has its title for a description."""
    finding = replace(DEAD, rule="x" * 300, title="t" * 3000)
    run = run_of(replace(healthy(), findings=(finding,)))
    (rule,), (result,) = run["tool"]["driver"]["rules"], run["results"]
    assert rule["id"] == result["ruleId"] == "x" * 254 + "…"
    assert len(rule["shortDescription"]["text"]) <= MOST_DESCRIPTION
    assert result["message"]["text"].startswith("t" * 3000)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(report=REPORTS)
def test_any_report_is_a_valid_document(report: Report) -> None:
    """And every address in it is relative and stays inside."""
    for result in run_of(report)["results"]:
        for where in (*result["locations"], *result["relatedLocations"]):
            uri = where["physicalLocation"]["artifactLocation"]["uri"]
            parts = urlsplit(uri)
            assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
            assert not uri.startswith("/")
            assert ".." not in unquote(uri).split("/")
        assert result["message"]["text"].strip()
