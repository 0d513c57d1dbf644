"""JSON: the comparison, validated on the way out."""

import json
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from typing import Any, Final, TextIO

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from trainsense.errors import TrainsenseError
from trainsense.records.report_comparison import (
    COMPARISON_SCHEMA,
    ChangedFinding,
    Compared,
    ComparedFigure,
    Reading,
    ReportComparison,
)
from trainsense.reporters.plain import plain_value

SCHEMA_FILE: Final = "comparison/comparison.schema.json"
"""Within the package of the reporters."""


def write_comparison_json(comparison: ReportComparison, stream: TextIO) -> None:
    """Write the comparison as exactly one JSON document (ASCII, two-space indent, newline at the end).

    Raises:
        TrainsenseError: if the document breaks the schema; nothing has been written then.
    """
    document = comparison_document(comparison)
    stream.write(json.dumps(document, indent=2, allow_nan=False) + "\n")


def comparison_document(comparison: ReportComparison) -> dict[str, Any]:
    """Return the comparison as plain values, rounded and with numbers that are not finite as a report has them.

    Raises:
        TrainsenseError: if the document breaks `comparison.schema.json`, which is a fault of trainsense.
    """
    document: dict[str, Any] = plain_value(
        {
            "schema": COMPARISON_SCHEMA,
            "trainsense": comparison.version,
            "verdict": comparison.verdict,
            "summary": comparison.summary,
            "remarks": comparison.remarks,
            "base": _side(comparison.base),
            "new": _side(comparison.new),
            "regressions": comparison.regressions,
            "findings": [_finding(finding) for finding in comparison.findings],
            "figures": {figure.name: _figure(figure) for figure in comparison.figures},
        }
    )
    error = best_match(_validator().iter_errors(document))
    if error is not None:
        message = f"The comparison breaks its own schema at {error.json_path}: {error.message[:300]}. This is a fault of trainsense; please report it."
        raise TrainsenseError(message)
    return document


def _side(side: Compared) -> dict[str, Any]:
    report = side.report
    return {
        "source": side.source,
        "trainsense": report.version,
        "command": report.command,
        "workload": asdict(report.workload),
        "verdict": report.verdict,
        "started": None if report.provenance is None else report.provenance.started,
        "seed": None if report.provenance is None else report.provenance.seed,
    }


def _finding(finding: ChangedFinding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "change": finding.change,
        "base": finding.before,
        "new": finding.after,
        "title": finding.title,
        "reason": finding.reason,
        "regression": finding.regression,
        "locations": [asdict(location) for location in finding.locations],
    }


def _figure(figure: ComparedFigure) -> dict[str, Any]:
    return {
        "title": figure.title,
        "interval": figure.interval,
        "base": _reading(figure.base),
        "new": _reading(figure.new),
        "verdict": figure.verdict,
        "reason": figure.reason,
        "regression": figure.regression,
    }


def _reading(reading: Reading | None) -> dict[str, Any] | None:
    return None if reading is None else asdict(reading)


@cache
def _validator() -> Draft202012Validator:
    text = files("trainsense.reporters").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))
