"""JSON: the report as CONTRACT 3 fixes it, validated on the way out and on the way in."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import cache
from importlib.resources import files
from typing import Any, TextIO, TypeVar

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from trainsense.errors import CannotRunError, TrainsenseError
from trainsense.records.baseline import Baseline
from trainsense.records.finding import Finding, Ignored, NotAssessed, Passed
from trainsense.records.fix import Fix, Improvement
from trainsense.records.location import Location
from trainsense.records.provenance import Provenance
from trainsense.records.report import SCHEMA, Cost, Recommendation, Report, WorkloadSummary
from trainsense.records.settings import Settings
from trainsense.reporters.plain import plain_value, revived_value

T = TypeVar("T")


def write_json(report: Report, stream: TextIO) -> None:
    """Write the report to `stream` as exactly one JSON document (ASCII, two-space indent, newline at the end).

    Raises:
        TrainsenseError: if the document breaks the schema; nothing has been written then.
    """
    document = report_document(report)
    stream.write(json.dumps(document, indent=2, allow_nan=False) + "\n")


def report_document(report: Report) -> dict[str, Any]:
    """Return the report as the document of CONTRACT 3, of plain values only.

    Floats are rounded to six significant digits; those that are not finite are the strings "nan", "inf", "-inf".

    Raises:
        TrainsenseError: if the document breaks `report.schema.json`, which is a fault of trainsense.
    """
    recommendation = report.recommendation
    try:
        document: dict[str, Any] = plain_value(
            {
                "schema": SCHEMA,
                "trainsense": report.version,
                "command": report.command,
                "workload": asdict(report.workload),
                "verdict": report.verdict,
                "summary": report.summary,
                "findings": [_finding_entry(finding) for finding in report.findings],
                "fixes": [_fix_entry(fix) for fix in report.fixes],
                "recommendation": None if recommendation is None else _recommendation_entry(recommendation),
                "stages": report.stages,
                "cost": asdict(report.cost),
                "passed": [asdict(passed) for passed in report.passed],
                "not_assessed": [asdict(rule) for rule in report.not_assessed],
                "not_run": report.not_run,
                "plots": report.plots,
                "ignored": [asdict(rule) for rule in report.ignored],
                "baseline": None if report.baseline is None else vars(report.baseline),
                "provenance": None if report.provenance is None else asdict(report.provenance),
            },
        )
    except TypeError as error:
        message = f"The report could not be written as JSON: {error}."
        raise TrainsenseError(message) from error
    fault = _fault(document)
    if fault is not None:
        message = f"The report breaks its own schema {fault}. This is a fault of trainsense; please report it."
        raise TrainsenseError(message)
    return document


def read_report(document: Mapping[str, Any]) -> Report:
    """Return the report that `report_document` made `document` from, up to the rounding of floats.

    In the evidence of findings the strings "nan", "inf" and "-inf" become numbers again; `stages` stay as they are,
    plain values, which is how a fresh report holds them too.

    Raises:
        CannotRunError: if the document is no report, or one of another schema.
    """
    _refuse_later(document.get("schema"))
    fault = _fault(document)
    if fault is not None:
        message = f'This is no saved report of schema "{SCHEMA}": it departs from it {fault}.'
        raise CannotRunError(message)
    return Report(
        version=document["trainsense"],
        command=document["command"],
        workload=WorkloadSummary(**_known(WorkloadSummary, document["workload"])),
        verdict=document["verdict"],
        summary=document["summary"],
        findings=tuple(_finding(entry) for entry in document["findings"]),
        fixes=tuple(_fix(entry) for entry in document["fixes"]),
        recommendation=_recommendation(document["recommendation"]),
        stages=document["stages"],
        cost=Cost(**_known(Cost, document["cost"])),
        passed=tuple(Passed(**_known(Passed, entry)) for entry in document.get("passed", ())),
        not_assessed=tuple(NotAssessed(**_known(NotAssessed, entry)) for entry in document.get("not_assessed", ())),
        not_run=tuple(document.get("not_run", ())),
        plots=document.get("plots", {}),
        ignored=tuple(_ignored(entry) for entry in document.get("ignored", ())),
        baseline=_optional(Baseline, document.get("baseline")),
        provenance=_optional(Provenance, document.get("provenance")),
    )


def _recommendation_entry(recommendation: Recommendation) -> dict[str, Any]:
    return {**vars(recommendation), "settings": asdict(recommendation.settings)}


def _recommendation(entry: Mapping[str, Any] | None) -> Recommendation | None:
    if entry is None:
        return None
    own = {"settings": _settings(entry["settings"]), "fixes": tuple(entry["fixes"])}
    return Recommendation(**{**_known(Recommendation, entry), **own})


def _fix_entry(fix: Fix) -> dict[str, Any]:
    improvement = fix.improvement
    return {
        **vars(fix),
        "settings": asdict(fix.settings),
        "improvement": None if improvement is None else asdict(improvement),
    }


def _finding_entry(finding: Finding) -> dict[str, Any]:
    return {**vars(finding), "locations": [asdict(location) for location in finding.locations]}


def _finding(entry: Mapping[str, Any]) -> Finding:
    own = {
        "evidence": revived_value(entry["evidence"]),
        "plots": tuple(entry["plots"]),
        "fixes": tuple(entry["fixes"]),
        "locations": _locations(entry),
    }
    return Finding(**{**_known(Finding, entry), **own})


def _ignored(entry: Mapping[str, Any]) -> Ignored:
    return Ignored(**{**_known(Ignored, entry), "locations": _locations(entry)})


def _locations(entry: Mapping[str, Any]) -> tuple[Location, ...]:
    return tuple(Location(**_known(Location, place)) for place in entry.get("locations", ()))


def _fix(entry: Mapping[str, Any]) -> Fix:
    gain = entry["improvement"]
    own = {
        "settings": _settings(entry["settings"]),
        "improvement": None if gain is None else Improvement(**revived_value(_known(Improvement, gain))),
        "baseline_loss": revived_value(entry["baseline_loss"]),
        "loss": revived_value(entry["loss"]),
    }
    return Fix(**{**_known(Fix, entry), **own})


def _settings(entry: Mapping[str, Any]) -> Settings:
    known = revived_value(_known(Settings, entry))
    return Settings(**{**known, "edits": tuple(entry.get("edits", ()))})


def _optional(kind: type[T], entry: Mapping[str, Any] | None) -> T | None:
    return None if entry is None else kind(**_known(kind, entry))


def _known(kind: type, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the keys that the record knows: a later version may have added others."""
    names = {field.name for field in fields(kind)}
    return {key: value for key, value in entry.items() if key in names}


def _refuse_later(schema: object) -> None:
    """Raise a `CannotRunError` for a schema of ours with a number above the one that is read here."""
    family, own = SCHEMA.split("/")
    number = schema.removeprefix(f"{family}/") if isinstance(schema, str) else ""
    if number.isdecimal() and number.isascii() and int(number[:9]) > int(own):
        message = (
            f'A later trainsense made this report: its schema is "{family}/{number[:9]}", and "{SCHEMA}" is the last '
            "that this version knows. Read it with the version that made it."
        )
        raise CannotRunError(message)


def _fault(document: Mapping[str, Any]) -> str | None:
    """Say where and how the document breaks the schema, None if it does not."""
    error: ValidationError | None = best_match(_validator().iter_errors(document))
    if error is None:
        return None
    return f"at {error.json_path}: {error.message[:300]}"


@cache
def _validator() -> Draft202012Validator:
    text = files("trainsense.reporters").joinpath("report.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))
