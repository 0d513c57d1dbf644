"""Tests of what GitHub's runner is told: workflow commands and outputs."""

import io
import json
import re
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings

from tests.reporters.machine_reports import DEAD, KNOWN, everything, suite
from tests.reporters.sample_reports import empty, healthy
from tests.reporters.strange_reports import REPORTS
from trainsense.records.baseline import Baseline
from trainsense.records.finding import SEVERITIES, Finding, Ignored, NotAssessed, Severity
from trainsense.records.location import Location
from trainsense.records.report import Report, Threshold
from trainsense.reporters.github.commands import write_github
from trainsense.reporters.github.outputs import step_outputs

COMMAND = re.compile(r"::(?P<kind>error|warning|notice) (?P<properties>[^:]*)::(?P<message>.+)")
OUTPUTS = ["verdict", "best_lr", "clip_norm", "warmup_steps", "findings"]


@dataclass(frozen=True)
class Annotation:
    """What the runner makes of a line."""

    kind: str
    properties: dict[str, str]
    message: str


def annotations(report: Report, fail_on: Threshold = "error") -> list[Annotation]:
    """Return the commands as the runner reads them: a line each, unescaped."""
    stream = io.StringIO()
    write_github(suite(report, fail_on), stream)
    assert stream.getvalue().endswith("\n")
    return [_parsed(line) for line in stream.getvalue().removesuffix("\n").split("\n")]


def _parsed(line: str) -> Annotation:
    assert len(line.splitlines()) == 1
    match = COMMAND.fullmatch(line)
    assert match, line
    pairs = (pair.split("=", 1) for pair in match["properties"].split(","))
    return Annotation(match["kind"], {key: _unescaped(text) for key, text in pairs}, _unescaped(match["message"]))


def _unescaped(text: str) -> str:
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text


def many(count: int, severity: Severity) -> tuple[Finding, ...]:
    """Return findings of so many rules."""
    return tuple(
        Finding(rule=f"rule-{severity}-{number}", severity=severity, title=f"t{number}", detail="")
        for number in range(count)
    )


@pytest.fixture(autouse=True)
def outside_of_pipelines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The root of the repository is the current directory."""
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_findings_come_worst_first() -> None:
    """A crash is a warning, what is known a notice, what is ignored nothing."""
    told = [(one.kind, one.properties["title"]) for one in annotations(everything())]
    assert told == [
        ("error", "early-instability"),
        ("warning", "dead-relu"),
        ("warning", "best-lr-at-edge"),
        ("warning", "ignores-input"),
        ("notice", "gradient-outliers"),
        ("notice", "missing-residual"),
    ]


def test_an_annotation_says_what_was_found_and_where() -> None:
    """The title first, everything else below it."""
    (one,) = (one for one in annotations(everything()) if one.properties["title"] == "dead-relu")
    assert one.properties == {"title": "dead-relu", "file": "models/my net.py", "line": "42"}
    assert one.message.startswith("60% of net.3 is dead\n\nIt gives zero.\n\nmeasured:\n  dead: 0.6\n")
    assert one.message.endswith("(warning, below --fail-on error)")


def test_a_place_outside_the_repository_is_none() -> None:
    """GitHub would show it nowhere."""
    (one,) = annotations(replace(healthy(), findings=(KNOWN,)))
    assert one.properties == {"title": "missing-residual"}


@pytest.mark.parametrize(
    "report",
    [healthy(), replace(healthy(), ignored=(Ignored(rule="dead-relu", reason="x", severity="error", title="t"),))],
    ids=["healthy", "ignored"],
)
def test_without_a_finding_there_is_one_notice(report: Report) -> None:
    """With the verdict and what it says."""
    (one,) = annotations(report)
    assert (one.kind, one.message) == ("notice", "mlp: healthy\nNothing is wrong.")


def test_a_crash_is_not_all_that_is_said_without_a_finding() -> None:
    """The verdict follows it."""
    crashed = NotAssessed(rule="dead-relu", reason="KeyError", crashed=True)
    kinds = [one.kind for one in annotations(replace(empty(), not_assessed=(crashed,)))]
    assert kinds == ["warning", "notice"]


@pytest.mark.parametrize(("count", "shown", "more"), [(10, 10, 0), (11, 9, 2), (40, 9, 31)])
@pytest.mark.parametrize("severity", SEVERITIES)
def test_ten_of_a_kind_are_written(count: int, shown: int, more: int, severity: Severity) -> None:
    """GitHub drops the eleventh; the tenth says how many there are."""
    told = annotations(replace(healthy(), findings=many(count, severity)))
    assert len(told) == shown + bool(more)
    assert {one.kind for one in told} == {"notice" if severity == "note" else severity}
    assert (told[-1].message == f"+{more} more") == bool(more)


def test_what_is_known_gives_way_to_what_is_new() -> None:
    """New notes first, and of the known the worst."""
    findings = (*many(1, "error"), *many(1, "note"))
    baseline = Baseline(source="b.json", findings={"rule-error-0": "error"})
    told = annotations(replace(healthy(), findings=findings, baseline=baseline))
    assert [(one.kind, one.properties["title"]) for one in told] == [
        ("notice", "rule-note-0"),
        ("notice", "rule-error-0"),
    ]


def test_escapes_are_those_of_the_toolkit() -> None:
    """Per cent and line ends everywhere; colons and commas in properties."""
    finding = replace(
        DEAD, title="100% :,", detail="a\r\nb%0A", rule="a:b,c%", locations=(Location(file="a:b,c.py", line=1),)
    )
    stream = io.StringIO()
    write_github(suite(replace(healthy(), findings=(finding,))), stream)
    assert stream.getvalue().startswith(
        "::warning title=a%3Ab%2Cc%25,file=a%3Ab%2Cc.py,line=1::100%25 :,%0A%0Aa%0D%0Ab%250A%0A%0Ameasured:"
    )


def test_a_long_message_is_cut_before_the_runner_does() -> None:
    """It keeps 4096 characters."""
    (one,) = annotations(replace(healthy(), findings=(replace(DEAD, detail="%" * 10_000),)))
    assert len(one.message) == 4000


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(report=REPORTS)
def test_any_report_is_a_document_of_commands(report: Report) -> None:
    """A line each, at most ten of a kind, and none that the report makes up."""
    told = annotations(report)
    assert told
    for kind in ("error", "warning", "notice"):
        assert sum(one.kind == kind for one in told) <= 10
    for one in told:
        assert set(one.properties) <= {"title", "file", "line"}
        assert "\x1b" not in one.message


def test_a_finding_without_words_is_a_command_all_the_same() -> None:
    """A report may come from anywhere."""
    nameless = Finding(rule="", severity="error", title="\x00", detail="")
    (one,) = annotations(replace(healthy(), findings=(nameless,)))
    assert (one.kind, one.properties["title"], one.message[:10]) == ("error", "trainsense", "trainsense")


def outputs(report: Report) -> dict[str, str]:
    """Return the outputs as the runner reads them."""
    lines = step_outputs(report).removesuffix("\n").split("\n")
    assert all("<<" not in line.split("=", 1)[0] for line in lines)
    return dict(line.split("=", 1) for line in lines)


def test_outputs_are_the_figures_that_a_pipeline_asks_for() -> None:
    """And the rules that found something, as a JSON list."""
    found = outputs(everything())
    assert list(found) == OUTPUTS
    assert (found["verdict"], found["best_lr"], found["clip_norm"]) == ("unhealthy", "0.1", "2.14243")
    assert found["warmup_steps"] == "46"
    assert json.loads(found["findings"]) == [finding.rule for finding in everything().findings]


def test_what_is_unknown_is_empty() -> None:
    """But there."""
    assert outputs(empty()) == dict(zip(OUTPUTS, ("inconclusive", "", "", "", "[]"), strict=True))


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(report=REPORTS)
def test_no_report_adds_an_output(report: Report) -> None:
    """Whatever line ends its strings hold."""
    text = step_outputs(report)
    assert [line.split("=", 1)[0] for line in text.splitlines()] == OUTPUTS
    assert text.isascii()
    assert isinstance(json.loads(outputs(report)["findings"]), list)
