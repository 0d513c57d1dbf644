"""SARIF 2.1.0: what was found at a line of source, as code scanning reads it.

GitHub takes a result's first location, and `primaryLocationLineHash` of its fingerprints, and no more; whole-run verdicts
have no line and are left to the other formats.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from trainsense.reporters.sarif.results import LEVELS, placed, result_entry
from trainsense.reporters.sarif.rules import rule_entry
from trainsense.reporters.sarif.texts import one_line, plain
from trainsense.reporters.suite import Suite

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
NO_NAME: Final = "workload"


def write_sarif(suite: Suite, stream: TextIO) -> None:
    """Write the suite as one document in ASCII."""
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(suite)]}
    stream.write(json.dumps(document, indent=2) + "\n")


def _run(suite: Suite) -> dict[str, Any]:
    found = list(placed(suite))
    rules = {rule["id"]: rule for rule in (rule_entry(one.case) for one in found)}
    index = {name: position for position, name in enumerate(rules)}
    return {
        "tool": {
            "driver": {
                "name": "trainsense",
                "version": one_line(suite.version),
                "rules": list(rules.values()),
            }
        },
        "automationDetails": {"id": _category(suite)},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": True,
                **_started(suite.started),
                "toolExecutionNotifications": list(_crashes(suite)),
            }
        ],
        "results": [result_entry(one, index, suite.workload) for one in found],
        "properties": {
            "command": one_line(suite.command),
            "source": one_line(suite.source),
            "summary": plain(suite.summary),
            **{one_line(name): one_line(text) for name, text in {"verdict": suite.verdict, **suite.properties}.items()},
        },
    }


def _category(suite: Suite) -> str:
    """Return the id of the run: GitHub takes what stands before the last slash for its category.

    A comparison has one of its own: uploaded beside the workload's report, it would else take its place.
    """
    workload = one_line(suite.workload).replace("/", "-") or NO_NAME
    return f"trainsense/{workload}/compare/" if suite.command == "compare" else f"trainsense/{workload}/"


def _crashes(suite: Suite) -> Iterator[dict[str, Any]]:
    for case in suite.cases:
        if case.status == "crashed":
            yield {
                "level": LEVELS["error"],
                "message": {"text": plain(case.text)},
                "properties": {"rule": one_line(case.name)},
            }


def _started(started: str) -> dict[str, str]:
    """Return when it began, nothing where the text is no time with an offset."""
    try:
        when = datetime.fromisoformat(started)
    except ValueError:
        return {}
    return {} if when.tzinfo is None else {"startTimeUtc": f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
