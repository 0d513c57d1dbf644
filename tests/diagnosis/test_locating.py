"""File and line of what a finding names, or is about."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.cases import workload
from tests.diagnosis.test_diagnosis import request
from trainsense.diagnosis import run_diagnosis
from trainsense.diagnosis.locating import FIELDS, located
from trainsense.records.finding import Finding
from trainsense.records.location import Location
from trainsense.rules import RULES
from trainsense.workload.contract import Workload
from trainsense.workload.load import from_object
from trainsense.workload.written import Written

SOURCE = Written(
    file=str(Path.cwd() / "train.py"), line=3, fields={"model": 4, "data": 5, "loss": 6, "optimizer": 7, "lr": 8}
)


def found(*locations: Location) -> tuple[Location, ...]:
    finding = Finding(rule="dead-relu", severity="note", title="", detail="", locations=locations)
    lines = {"layers.0": ("/elsewhere/net.py", 7), "layers": (str(Path.cwd() / "net.py"), 5)}
    return located(finding, lines, None).locations


def about(rule: str, source: Written | None, *locations: Location) -> tuple[Location, ...]:
    finding = Finding(rule=rule, severity="error", title="", detail="", locations=locations)
    return located(finding, {"head": ("/elsewhere/net.py", 7)}, source).locations


def test_the_longest_known_prefix_counts() -> None:
    """Modules, and parameters in them; files below the current directory are relative to it."""
    first, second = found(Location(module="layers.0.linear.weight"), Location(module="layers.1"))
    assert (first.file, first.line) == ("/elsewhere/net.py", 7)
    assert (second.file, second.line) == ("net.py", 5)


@pytest.mark.parametrize("location", [Location(module="head"), Location(), Location(file="/elsewhere/a.py", line=3)])
def test_what_is_unknown_or_known_already_stays(location: Location) -> None:
    """No guess."""
    assert found(location) == (location,)


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("lr-too-high", 8),
        ("clip-too-aggressive", 7),
        ("gradient-outliers", 6),
        ("warmup-too-long", 3),
        ("non-finite-data", 5),
        ("a-rule-of-tomorrow", 3),
    ],
)
def test_the_line_of_the_workload_that_a_finding_is_about(rule: str, line: int) -> None:
    """The first of the rule's keywords that the call has, else the call; relative to the current directory."""
    assert about(rule, SOURCE) == (Location(file="train.py", line=line),)
    assert about(rule, None) == ()


def test_places_in_files_need_no_other() -> None:
    """A module without a file keeps the first place."""
    module = Location(module="head")
    assert about("dead-relu", SOURCE, module) == (Location(module="head", file="/elsewhere/net.py", line=7),)
    assert about("dead-relu", SOURCE, Location(module="else")) == (
        Location(module="else"),
        Location(file="train.py", line=4),
    )


def test_every_rule_is_about_a_field() -> None:
    """Of the workload."""
    assert FIELDS.keys() == {rule.name for rule in RULES}
    assert {name for names in FIELDS.values() for name in names} <= set(Workload.__dataclass_fields__)


def test_a_report_names_the_line_of_the_learning_rate() -> None:
    """The user's own, where another lr is asked for too."""
    made = workload(
        lr=0.05,
    )
    for lr in (None, 300.0):
        asked = replace(request("sweep-lr"), lr=lr)
        report = run_diagnosis(from_object(replace(made, lr=30.0)), asked).report
        assert report.findings
        source = Path(__file__).read_text(encoding="utf-8").splitlines()
        for finding in report.findings:
            (place,) = finding.locations
            assert place.file == str(Path("tests") / "diagnosis" / "test_locating.py")
            assert "replace(made, lr=30.0)" in source[(place.line or 0) - 1]
