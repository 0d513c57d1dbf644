"""Rules set aside and findings known, from the command line to the exit status, on a recipe."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.cli.test_exit_codes import HEALTHY
from tests.command_line import RunCli
from trainsense.diagnosis.assembling import NOT_TRAINED
from trainsense.records.finding import Finding
from trainsense.records.report import Report
from trainsense.reporters.json import write_json
from trainsense.reporters.saved import saved_report

RECIPE = str(Path(__file__).parents[2] / "recipes" / "double_softmax.py")
SMALL = ("--budget", "120steps", "--steps", "20", "--seeds", "1", "--quiet", "--fresh", "--run-dir", "runs")


@dataclass(frozen=True, kw_only=True)
class Reported:
    """What a command left behind, its report read."""

    status: int
    report: Report
    text: str


Preflight = Callable[..., Reported]


@pytest.fixture
def reported(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> Preflight:
    """Return a function that runs a command on the recipe, without plots."""
    monkeypatch.setattr("trainsense.diagnosis.assembling.save_plots", lambda *_, **__: {})

    def ended(command: str, *arguments: str) -> Reported:
        run = run_cli(command, RECIPE, *SMALL, *arguments)
        return Reported(status=run.status, report=saved_report(Path("runs/report.json")), text=run.out)

    return ended


def test_an_ignored_error_does_not_count(reported: Preflight) -> None:
    """Not for the verdict, not for the exit status; the report says what it was."""
    ended = reported("preflight", "--ignore", "double-softmax=kept, on purpose")
    assert (ended.status, ended.report.verdict, ended.report.findings) == (0, "healthy", ())
    (entry,) = ended.report.ignored
    assert (entry.rule, entry.severity, entry.reason) == ("double-softmax", "error", "kept, on purpose")
    line = " ".join(ended.text.split("ignored", 1)[1].split())
    assert line.startswith("double-softmax (error: The cross-entropy gets probabilities")
    assert "squashed): kept, on purpose" in line


def test_an_ignored_error_does_not_stop_diagnose(reported: Preflight) -> None:
    """The setup is trained, as with `--keep-going`."""
    ended = reported("diagnose", "--ignore", "double-softmax", "--fail-on", "never")
    assert ended.status == 0
    assert ended.report.cost.trials
    assert NOT_TRAINED not in ended.report.not_run


def test_ignoring_wins_over_selecting(reported: Preflight) -> None:
    """And what is not selected is said in one line."""
    ended = reported("preflight", "--select", "double-softmax,dead-relu", "--ignore", "double-softmax")
    assert (ended.status, ended.report.findings) == (0, ())
    assert {one.rule for one in ended.report.passed} == {"dead-relu"}
    assert "double-softmax (error:" in ended.text
    assert "rules: not selected" in ended.text


def test_a_known_finding_does_not_fail(reported: Preflight, run_cli: RunCli, tmp_path: Path) -> None:
    """It stays in the report, marked, when that is shown again too."""
    earlier = replace(HEALTHY, findings=(Finding(rule="double-softmax", severity="error", title="t", detail="d"),))
    with (tmp_path / "base.json").open("w") as stream:
        write_json(earlier, stream)
    ended = reported("preflight", "--baseline", "base.json")
    assert (ended.status, ended.report.verdict) == (0, "unhealthy")
    assert "New findings: 0 of 1 (baseline base.json)." in ended.text
    assert "known: in the baseline base.json" in ended.text
    again = run_cli("report", "runs")
    assert (again.status, again.out) == (0, ended.text)


@pytest.mark.parametrize("option", ["--select", "--ignore"])
@pytest.mark.parametrize("value", ["double-sofmax", "dead-relu,double-sofmax", "double-sofmax=x", ""])
def test_an_unknown_rule_names_the_nearest(option: str, value: str, run_cli: RunCli) -> None:
    ended = run_cli("preflight", RECIPE, option, value)
    assert (ended.status, ended.out) == (2, "")
    assert f"{option} names the rule '" in ended.err
    assert "the nearest is double-softmax" in ended.err or not value
