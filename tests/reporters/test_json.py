"""Tests of the JSON report."""

import io
import json
import math
from dataclasses import replace
from typing import Any

import pytest

from tests.reporters.sample_layers import sick_preflight
from tests.reporters.sample_reports import TRICKY_NAME, empty, healthy, unhealthy
from trainsense.errors import CannotRunError, TrainsenseError
from trainsense.records.finding import Finding
from trainsense.records.fix import Fix
from trainsense.records.location import Location
from trainsense.records.report import Cost, Recommendation, Report
from trainsense.records.settings import Settings
from trainsense.reporters.json import read_report, report_document, write_json

REPORTS = [unhealthy(), healthy(), empty(), sick_preflight()]


def written(report: Report) -> dict[str, Any]:
    """Return what a strict parser reads from the written report."""
    stream = io.StringIO()
    write_json(report, stream)
    document = json.loads(stream.getvalue(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: f"{report.command}-{report.verdict}")
def test_a_report_survives_the_round_trip(report: Report) -> None:
    """Reading and writing again gives the same document."""
    document = written(report)
    assert report_document(read_report(document)) == document


def test_a_report_of_short_numbers_is_read_back_equal() -> None:
    """The inverse is exact where nothing was rounded and nothing is NaN."""
    settings = Settings(lr=0.3, warmup_steps=46, optimizer="AdamW", edits=("pre-norm", "zero-init-residual"))
    code = {"pytorch": "lr = 0.3", "lightning": "a", "transformers": "b"}
    fix = Fix(
        fix="pre-norm",
        title="x",
        status="inconclusive",
        settings=settings,
        loss=0.5,
        seeds=1,
        code=code,
        reason="Not pursued.",
        price="46 more steps",
    )
    advice = Recommendation(settings=settings, fixes=("pre-norm",), why="x", price="46 more steps", code=code)
    report = replace(healthy(), fixes=(fix,), recommendation=advice)
    assert read_report(written(report)) == report


def test_a_report_of_an_earlier_version_is_read() -> None:
    """One without prices, reasons, edits and the recommendation's code: what was added later is empty."""
    document = written(unhealthy())
    for entry in (*document["fixes"], document["recommendation"]):
        for key in {"price", "reason"} & set(entry):
            del entry[key]
        del entry["settings"]["edits"]
    del document["recommendation"]["code"]
    report = read_report(document)
    assert report.recommendation is not None
    assert (report.recommendation.price, report.recommendation.code) == ("", {})
    assert (report.fixes[0].reason, report.fixes[0].price, report.fixes[0].settings.edits) == ("", "", ())
    assert report.fixes[0].code == unhealthy().fixes[0].code


@pytest.mark.parametrize(
    ("entry", "key", "value"),
    [
        ("recommendation", "price", None),
        ("recommendation", "code", {"pytorch": 1}),
        ("fix", "reason", None),
        ("fix", "price", 46),
        ("settings", "edits", "pre-norm"),
        ("settings", "edits", ["Pre norm"]),
    ],
)
def test_the_schema_knows_what_was_added(entry: str, key: str, value: object) -> None:
    """A value of another type is refused."""
    document = written(unhealthy())
    fix = document["fixes"][0]
    places = {"recommendation": document["recommendation"], "fix": fix, "settings": fix["settings"]}
    places[entry][key] = value
    with pytest.raises(CannotRunError, match=key):
        read_report(document)


def test_locations_of_a_finding() -> None:
    """They come back as they were; a report that knows none has none."""
    places = (Location(module="layers.3.linear1", file="model.py", line=42), Location(module="head"), Location())
    finding = Finding(rule="x", severity="note", title="x", detail="", locations=places)
    report = replace(healthy(), findings=(finding,))
    document = written(report)
    assert document["findings"][0]["locations"] == [
        {"module": "layers.3.linear1", "file": "model.py", "line": 42},
        {"module": "head", "file": "", "line": None},
        {"module": "", "file": "", "line": None},
    ]
    assert read_report(document) == report
    document["findings"][0]["locations"][0]["added"] = 1
    assert read_report(document) == report
    del document["findings"][0]["locations"]
    assert read_report(document).findings[0].locations == ()
    document["findings"][0]["locations"] = [{"module": "a", "file": "b", "line": 0}]
    with pytest.raises(CannotRunError, match="line"):
        read_report(document)


def test_the_contract_names_every_key() -> None:
    """The keys of CONTRACT 3 at the top level and in the stages."""
    document = written(unhealthy())
    contract = "schema trainsense command workload verdict summary findings fixes recommendation stages cost"
    assert set(contract.split()) <= set(document)
    assert document["schema"] == "trainsense.report/1"
    assert document["workload"]["name"] == TRICKY_NAME
    expected = {"sweep_lr", "check_instability", "pick_clip", "sweep_warmup", "user_setting", "setup", "fixes_tried"}
    assert set(document["stages"]) == expected
    assert document["recommendation"]["settings"] == {
        "lr": 1.47,
        "warmup_steps": 46,
        "clip_norm": None,
        "optimizer": None,
        "edits": [],
    }


def test_numbers_that_are_not_finite_are_strings_and_come_back() -> None:
    """In evidence, in fixes and in stages."""
    document = written(unhealthy())
    evidence = document["findings"][0]["evidence"]
    assert (evidence["largest"], evidence["smallest"]) == ("inf", "-inf")
    assert document["fixes"][1]["improvement"]["low"] == "-inf"
    assert document["fixes"][2]["loss"] == "nan"
    assert document["stages"]["setup"]["first_loss"] == "nan"
    report = read_report(document)
    assert report.findings[0].evidence["largest"] == math.inf
    assert report.fixes[2].loss is not None
    assert math.isnan(report.fixes[2].loss)


def test_a_report_that_breaks_the_schema_is_a_fault_of_ours() -> None:
    """Exit status 3, and nothing is written."""
    stream = io.StringIO()
    broken = replace(healthy(), cost=Cost(trials=-1, steps=0, seconds=0.0))
    with pytest.raises(TrainsenseError, match=r"cost\.trials") as caught:
        write_json(broken, stream)
    assert caught.value.exit_status == TrainsenseError.exit_status
    assert stream.getvalue() == ""


def test_a_value_that_json_cannot_carry_is_a_fault_of_ours() -> None:
    """An object in the evidence."""
    finding = Finding(rule="x", severity="note", title="x", detail="", evidence={"model": object()})  # type: ignore[dict-item]
    with pytest.raises(TrainsenseError, match="object"):
        report_document(replace(healthy(), findings=(finding,)))


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "fine"},
        {"schema": "trainsense.report/0"},
        {"schema": "another/2"},
        {"schema": 2},
        {"findings": [{"rule": "x"}]},
        {"stages": {"sweep_lr": {}}},
        {"cost": None},
        {"recommendation": {}},
    ],
    ids=str,
)
def test_a_document_that_is_no_report_is_refused(change: dict[str, Any]) -> None:
    """With exit status 2 and the place named."""
    with pytest.raises(CannotRunError, match=r"no saved report .* at \$"):
        read_report(written(healthy()) | change)


def test_a_report_of_a_later_schema_says_so() -> None:
    """That it departs from this version's schema would not tell what to do."""
    with pytest.raises(CannotRunError, match=r"A later trainsense .* \"trainsense\.report/2\""):
        read_report(written(healthy()) | {"schema": "trainsense.report/2"})


def test_keys_of_later_versions_are_passed_over() -> None:
    """The contract adds keys and never renames them."""
    document = written(unhealthy()) | {"added": 1}
    document["findings"][0]["added"] = 1
    document["fixes"][0]["settings"]["added"] = 1
    document["workload"]["added"] = 1
    assert read_report(document).workload.parameters == unhealthy().workload.parameters
