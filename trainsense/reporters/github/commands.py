"""GitHub's workflow commands: annotations, capped, the worst first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TextIO

from trainsense.records.finding import SEVERITIES
from trainsense.reporters.ascii_text import encodable
from trainsense.reporters.repository import repository_path
from trainsense.reporters.sections.layout import cleaned
from trainsense.reporters.suite import Case, Suite

Kind = Literal["error", "warning", "notice"]

MOST: Final = 10
"""Annotations that GitHub shows of each kind in a step; it drops the others without a word."""
MOST_CHARACTERS: Final = 4000
"""The runner cuts messages at 4096 characters."""
KINDS: Final[dict[str, Kind]] = {"error": "error", "warning": "warning", "note": "notice"}
MESSAGE: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
PROPERTY: Final = MESSAGE | str.maketrans({":": "%3A", ",": "%2C"})
"""As actions/toolkit escapes them."""
NAMELESS: Final = "trainsense"
LINE_ENDS: Final = str.maketrans("\u2028\u2029", "  ")


@dataclass(frozen=True, kw_only=True)
class _Annotation:
    """One annotation, its strings not escaped yet."""

    kind: Kind
    title: str
    message: str
    file: str = ""
    line: int | None = None

    def __str__(self) -> str:
        """Return it as the runner reads it; a command without a title or a message would be none."""
        told = {"title": self.title, "file": self.file, "line": "" if self.line is None else str(self.line)}
        escaped = {key: _escaped(text, PROPERTY) for key, text in told.items()}
        escaped["title"] = escaped["title"] or NAMELESS
        properties = ",".join(f"{key}={text}" for key, text in escaped.items() if text)
        return f"::{self.kind} {properties}::{_escaped(_shortened(self.message), MESSAGE) or NAMELESS}"


def write_github(suite: Suite, stream: TextIO) -> None:
    """Write one workflow command for each finding, the worst first; where there is none, one with the verdict."""
    lines: list[str] = []
    annotations = list(_annotations(suite))
    for kind in KINDS.values():
        of_kind = [str(one) for one in annotations if one.kind == kind]
        kept = of_kind if len(of_kind) <= MOST else of_kind[: MOST - 1]
        lines.extend(kept)
        if more := len(of_kind) - len(kept):
            lines.append(str(_Annotation(kind=kind, title=NAMELESS, message=f"+{more} more")))
    stream.write(encodable("\n".join(lines) + "\n", getattr(stream, "encoding", None)))


def _annotations(suite: Suite) -> Iterator[_Annotation]:
    shown = [case for case in suite.cases if case.shown]
    for case in sorted(shown, key=_order):
        kind = "notice" if case.known else KINDS[case.severity or "note"]
        yield _Annotation(kind=kind, title=case.name, message=_message(case), **_place(case))
    for case in suite.cases:
        if case.status == "crashed":
            yield _Annotation(kind="warning", title=case.name, message=_message(case))
    if not shown:
        message = f"{suite.workload}: {suite.verdict}\n{suite.summary}"
        yield _Annotation(kind="notice", title=NAMELESS, message=message)


def _order(case: Case) -> tuple[bool, bool, int]:
    """Sort the new before the known, what fails before what does not, the worst first."""
    return bool(case.known), case.status != "failed", SEVERITIES.index(case.severity or "note")


def _message(case: Case) -> str:
    """Return what was found before why it fails nothing."""
    why = f"({case.reason})" if case.title and case.reason else ""
    return "\n\n".join(text for text in (case.title or case.message, case.body, why) if text)


def _place(case: Case) -> dict[str, Any]:
    """Return the first place in the repository: GitHub knows no other."""
    for one in case.locations:
        if file := repository_path(one.file):
            return {"file": file, "line": one.line}
    return {}


def _shortened(message: str) -> str:
    return message if len(message) <= MOST_CHARACTERS else f"{message[: MOST_CHARACTERS - 1]}…"


def _escaped(text: str, escapes: Mapping[int, str]) -> str:
    shown = "\r".join(map(cleaned, text.translate(LINE_ENDS).split("\r")))
    return shown.strip().translate(escapes)
