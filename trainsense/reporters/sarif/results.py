"""What was found, and at which line."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from trainsense.reporters.repository import repository_path
from trainsense.reporters.sarif.texts import one_line, plain
from trainsense.reporters.suite import Case, Suite

LEVELS: Final = {"error": "error", "warning": "warning", "note": "note"}
NUMBER: Final = re.compile(r"\d+")
MOST_PLACES: Final = 100
"""What GitHub shows of one result's."""
SOURCE_FILE: Final = re.compile(r"(?P<file>.+\.py)(:[^/\\:]*)?", re.DOTALL)
"""A workload as the user names it, `path/to/file.py:name`; a module has no file to point at."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A line in the repository: `path` relative to its root, and what of the model stands there."""

    path: str
    line: int
    module: str = ""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A case that found something at a line, and all lines of it, the most telling first."""

    case: Case
    places: tuple[Place, ...]


def placed(suite: Suite) -> Iterator[Placed]:
    """Yield the cases that found something at a line of the user's; what they have set aside is no alert.

    (GitHub shows suppressed results as open alerts: what is ignored is left out instead.)
    """
    for case in suite.cases:
        if case.severity is not None and not case.ignored and (places := tuple(_places(case, suite.source))):
            yield Placed(case=case, places=places)


def result_entry(found: Placed, index: Mapping[str, int], workload: str) -> dict[str, Any]:
    """Return one result.

    Args:
        found: what and where.
        index: place of each rule in the driver's list, by its id.
        workload: its name, a part of the fingerprint.
    """
    case = found.case
    told = plain("\n\n".join(text for text in (case.title, case.body) if text)) or case.status
    rule = one_line(case.name)
    entry = {
        "ruleId": rule,
        "ruleIndex": index[rule],
        "level": LEVELS[case.severity or "warning"],
        "message": {"text": told},
        "locations": [_location(found.places[0])],
        "relatedLocations": [
            {"id": number, **_location(place), "message": {"text": one_line(place.module or place.path)}}
            for number, place in enumerate(found.places[1:MOST_PLACES], start=1)
        ],
        "partialFingerprints": {"primaryLocationLineHash": _fingerprint(found, workload)},
    }
    if case.known is not None:
        entry["baselineState"] = "unchanged" if case.known else "new"
    return entry


def _places(case: Case, source: str) -> Iterator[Place]:
    """Yield the lines inside the repository; if all lie elsewhere, in a library say, the workload's own file."""
    lines = [(one, one.line) for one in case.locations if one.file and one.line is not None and one.line > 0]
    inside = [(repository_path(one.file), line, one) for one, line in lines]
    places = [Place(path=path, line=line, module=one.module) for path, line, one in inside if path]
    yield from dict.fromkeys(places)
    own = SOURCE_FILE.fullmatch(source)
    if lines and not places and own and (path := repository_path(own["file"])):
        yield Place(path=path, line=1, module=lines[0][0].module)


def _location(place: Place) -> dict[str, Any]:
    """Return a place; of the line's length nothing is known, so that the region is its first character."""
    region = {"startLine": place.line, "startColumn": 1, "endLine": place.line, "endColumn": 2}
    uri = quote(place.path, errors="replace")
    entry: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
    if place.module:
        entry["logicalLocations"] = [{"fullyQualifiedName": one_line(place.module), "kind": "member"}]
    return entry


def _fingerprint(found: Placed, workload: str) -> str:
    """Return what tells one alert from another in every run: nothing that was measured, no line, no index of a layer."""
    place = found.places[0]
    parts = (found.case.name, place.path, workload, NUMBER.sub("", place.module))
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()
