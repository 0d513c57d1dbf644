"""JUnit XML: one suite, one test case a rule, as GitLab, Jenkins, GitHub's actions and Buildkite read it.

GitLab shows the text of a failure and not its message, keeps the first only of two cases of one name, and takes
attachments from `system-out`; Jenkins and mikepenz/action-junit-report read the message.
"""

import codecs
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain, count
from typing import Final, TextIO
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from trainsense.reporters.numbers import as_number
from trainsense.reporters.repository import path_from_repository, repository_path
from trainsense.reporters.suite import Case, Status, Suite

DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (2.2) has no place for, whatever its escape."""

ELEMENTS: Final[dict[Status, str]] = {"failed": "failure", "crashed": "error", "skipped": "skipped"}
ATTACHABLE: Final = re.compile(r"[^\]\[|\x00-\x1f\ud800-\udfff]+")


def write_junit(suite: Suite, stream: TextIO) -> None:
    """Write the suite as one document; a stream that is not UTF-8 gets character references."""
    text = DECLARATION + tostring(_document(suite), encoding="unicode") + "\n"
    if not codecs.lookup(getattr(stream, "encoding", None) or "utf-8").name.startswith("utf-8"):
        text = text.encode("ascii", "xmlcharrefreplace").decode("ascii")
    stream.write(text)


def _document(suite: Suite) -> Element:
    statuses = Counter(case.status for case in suite.cases)
    totals = {
        "tests": str(len(suite.cases)),
        "failures": str(statuses["failed"]),
        "errors": str(statuses["crashed"]),
        "time": _seconds(suite.seconds),
    }
    root = Element("testsuites", {"name": "trainsense", **totals})
    name = f"trainsense.{_line(suite.command)}"
    inner = SubElement(root, "testsuite", {"name": name, **totals, "skipped": str(statuses["skipped"])})
    if when := _timestamp(suite.started):
        inner.set("timestamp", when)
    properties = SubElement(inner, "properties")
    for key, value in _properties(suite):
        SubElement(properties, "property", {"name": _line(key), "value": _line(value)})
    for (family, rule), case in zip(_unique(suite.cases), suite.cases, strict=True):
        inner.append(_testcase(case, family, rule))
    indent(root, space=" ")
    return root


def _properties(suite: Suite) -> Iterator[tuple[str, str]]:
    yield "workload", suite.workload
    yield "source", suite.source
    yield "trainsense", suite.version
    yield from {"verdict": suite.verdict, **suite.properties}.items()
    yield "summary", suite.summary


def _testcase(case: Case, family: str, name: str) -> Element:
    element = Element("testcase", {"classname": family, "name": name, **_place(case), "time": "0"})
    if tag := ELEMENTS.get(case.status):
        message = _line(case.message)
        told = SubElement(element, tag, {"message": message})
        told.text = _allowed("\n\n".join(text for text in (message, case.body) if text))
        if case.status != "skipped":
            told.set("type", case.severity or case.status)
    files = [path_from_repository(file) for file in case.attachments]
    if lines := [f"[[ATTACHMENT|{file}]]" for file in files if ATTACHABLE.fullmatch(file)]:
        SubElement(element, "system-out").text = "\n".join(lines)
    return element


def _place(case: Case) -> dict[str, str]:
    """Return the first place in the repository; of places that all lie elsewhere the first one."""
    places = [(repository_path(one.file), one) for one in case.locations if one.file]
    file, place = next((pair for pair in places if pair[0]), places[0] if places else (None, None))
    if place is None:
        return {}
    line = {} if place.line is None else {"line": str(place.line)}
    return {"file": _line(file or place.file), **line}


def _unique(cases: Iterable[Case]) -> Iterator[tuple[str, str]]:
    """Yield class name and name of each; cleaning may have made two of them the same."""
    seen: set[tuple[str, str]] = set()
    for case in cases:
        classname, name = f"trainsense.{_line(case.family)}", _line(case.name)
        numbered = (f"{name} ({number})" for number in count(2))
        key = next((classname, one) for one in chain([name], numbered) if (classname, one) not in seen)
        seen.add(key)
        yield key


def _seconds(value: float) -> str:
    seconds = as_number(value) or 0.0
    return f"{seconds:.3f}" if math.isfinite(seconds) and seconds > 0 else "0.000"


def _timestamp(started: str) -> str:
    """Return the time if it is one, nothing for any other text."""
    try:
        return datetime.fromisoformat(started).isoformat(timespec="seconds")
    except ValueError:
        return ""


def _line(text: str) -> str:
    return " ".join(_allowed(text).split())


def _allowed(text: str) -> str:
    return FORBIDDEN.sub("", text)
