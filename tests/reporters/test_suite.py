"""Tests of the suite: one case a rule, whatever the format."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.reporters.machine_reports import DEAD, PAGES, case_of, everything, rules_of, suite
from tests.reporters.sample_reports import CODE, empty, healthy
from trainsense.records.finding import Finding, Passed
from trainsense.records.report import Threshold
from trainsense.records.selection import Selection
from trainsense.records.settings import Settings
from trainsense.reporters.json import read_report, report_document

PNG = b"\x89PNG"


def test_every_rule_has_one_case() -> None:
    """In the order of the rules; those that this version does not know last."""
    report = everything()
    names = [case.name for case in suite(report).cases]
    assert names[: len(PAGES)] == list(PAGES)
    assert set(names[len(PAGES) :]) == {"overfitting", "of-another-version"}


def test_a_rule_that_the_command_is_not_about_is_skipped() -> None:
    """So that what a pipeline lists does not change with the command."""
    (rule, *_) = [name for name in PAGES if name not in rules_of(everything())]
    case = case_of(suite(everything()), rule)
    assert (case.status, case.message) == ("skipped", "not judged by diagnose")


@pytest.mark.parametrize(
    ("rule", "fail_on", "status"),
    [
        ("early-instability", "error", "failed"),
        ("early-instability", "never", "skipped"),
        ("dead-relu", "error", "skipped"),
        ("dead-relu", "warning", "failed"),
        ("missing-residual", "note", "skipped"),
        ("gradient-outliers", "warning", "skipped"),
        ("gradient-outliers", "note", "failed"),
        ("ignores-input", "never", "crashed"),
        ("overfitting", "note", "skipped"),
        ("small-batch-norm", "note", "skipped"),
        ("no-gradient", "note", "passed"),
    ],
)
def test_the_status_of_a_case(rule: str, fail_on: Threshold, status: str) -> None:
    """Just what fails the command fails a case."""
    assert case_of(suite(everything(), fail_on), rule).status == status


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("early-instability", "At your learning rate 0.3 the loss becomes NaN at step 30, on 1 of 1 seeds"),
        ("dead-relu", "warning, below --fail-on error: 60% of net.3 is dead"),
        ("missing-residual", "warning, known from main.json: Deep and plain"),
        ("overfitting", "not assessed: there is no eval_data"),
        ("ignores-input", "the check crashed: KeyError: 'x'"),
        (
            "small-batch-norm",
            "ignored, batches are of 2 in the test, #12; it would have found (error): 2 examples a batch",
        ),
        ("example-leak", "ignored, not selected"),
        ("no-gradient", ""),
    ],
)
def test_the_message_says_what_and_why(rule: str, message: str) -> None:
    """In one line, with which the text begins."""
    case = case_of(suite(everything()), rule)
    assert case.message == message
    assert case.text.startswith(message)
    assert case.text.endswith(f"more: trainsense explain {rule}") == (rule in PAGES)


def test_the_text_of_a_finding_has_all_there_is_to_say() -> None:
    """Numbers, places, fixes with their status, and the recommended lines for a verified fix."""
    text = case_of(suite(everything()), "early-instability").text
    assert "  onset_step: 28\n  peak: nan\n" in text
    fix = "warmup (verified): lr 1.47, warmup 46 steps; loss 0.7412 → 0.31; gain +21% (18 to 24) of the loss drop, 5 pairs"
    assert fix in text
    assert all(f"  {line}" in text for line in CODE.splitlines())
    dead = case_of(suite(everything()), "dead-relu").text
    assert "where:\n  net.norm (/usr/lib/python3/torch/norm.py:99)\n  net.3.act (models/my net.py:42)" in dead
    assert "paste" not in dead


def test_code_is_for_verified_fixes_alone() -> None:
    """What was tried in vain is not for pasting."""
    report = everything()
    fixes = tuple(replace(fix, status="rejected") for fix in report.fixes)
    assert "paste" not in case_of(suite(replace(report, fixes=fixes)), "early-instability").text


def test_of_two_findings_of_a_rule_none_is_lost() -> None:
    """The worst leads; and a rule that passed elsewhere has no second case."""
    worse = replace(DEAD, severity="error", title="All dead", detail="Nothing passes.")
    report = replace(everything(), findings=(DEAD, worse), passed=(Passed(rule="dead-relu"),))
    case = case_of(suite(report), "dead-relu")
    assert (case.status, case.severity, case.message) == ("failed", "error", "All dead")
    assert case.text.index("Nothing passes.") < case.text.index("It gives zero.")


def test_properties_are_what_is_known() -> None:
    """The figures of the stages, in digits; what is unknown is absent."""
    properties = suite(everything()).properties
    known = {"best_lr": "0.1", "edge_lr": "0.1", "seed": "7", "device": "cpu", "parameters": "1234567"}
    known |= {"torch": "2.6.0", "python": "3.11.7", "budget": "10m", "fingerprint": "ab12", "trials": "42"}
    known |= {"steps": "12600", "verdict": "unhealthy", "clip_norm": "2.14243", "warmup_steps": "46"}
    assert known.items() <= properties.items()
    assert suite(empty()).properties == {"verdict": "inconclusive", "device": "cpu", "trials": "0", "steps": "0"}


def test_what_a_stage_left_open_is_taken_from_the_recommendation() -> None:
    """Clipping was refused by its stage and recommended as a fix."""
    report = everything()
    assert report.recommendation is not None
    advice = replace(report.recommendation, settings=Settings(lr=0.3, clip_norm=89.5))
    stages: dict[str, dict[str, Any]] = {
        "pick_clip": {"clip_norm": None},
        "sweep_lr": {"best_lr": "nan", "edge_lr": True},
    }
    properties = suite(replace(report, recommendation=advice, stages=stages)).properties
    assert properties["clip_norm"] == "89.5"
    assert not {"best_lr", "edge_lr", "warmup_steps"} & set(properties)


def test_attachments_are_pictures_of_the_report_that_exist(tmp_path: Path) -> None:
    """Nothing outside the report's folder, whatever a report names."""
    directory = tmp_path / "run"
    (directory / "plots").mkdir(parents=True)
    for path in (directory / "plots" / "a.png", directory / "table.csv", tmp_path / "secret.png"):
        path.write_bytes(PNG)
    (directory / "link.png").symlink_to(tmp_path / "secret.png")
    plots = {
        "good": "plots/a.png",
        "table": "table.csv",
        "gone": "plots/b.png",
        "above": "../secret.png",
        "absolute": str(tmp_path / "secret.png"),
        "link": "link.png",
        "zero": "a\0.png",
        "long": "n" * 5000 + ".png",
        "folder": ".",
    }
    finding = replace(DEAD, plots=(*plots, "unheard-of", "good"))
    report = replace(healthy(), findings=(finding,), plots=plots)
    assert case_of(suite(report, directory=directory), "dead-relu").attachments == (directory / "plots" / "a.png",)
    assert case_of(suite(report), "dead-relu").attachments == ()


def test_a_title_of_several_lines_is_one_line() -> None:
    """A message is one line."""
    finding = Finding(rule="dead-relu", severity="error", title="a\r\nb\x1cc", detail="")
    assert case_of(suite(replace(healthy(), findings=(finding,))), "dead-relu").message == "a b c"


def test_what_is_set_aside_keeps_its_place() -> None:
    """From the rule to the saved report and back: code scanning shows nothing without a line."""
    kept, (ignored,) = Selection(ignore={"dead-relu": "on purpose"}).divided([DEAD])
    assert (kept, ignored.locations) == ((), DEAD.locations)
    report = replace(everything(), ignored=(ignored,))
    assert read_report(report_document(report)).ignored == (ignored,)
