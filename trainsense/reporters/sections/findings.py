"""What was found, the worst first."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from trainsense.records.finding import SEVERITIES, Finding
from trainsense.records.location import Location
from trainsense.records.report import Report
from trainsense.reporters.numbers import evidence_text
from trainsense.reporters.sections.layout import SEPARATOR, heading, indented, labelled, text_of, word
from trainsense.reporters.shortening import shortened, shortened_path

MOST_PLACES: Final = 4
"""Places shown of a finding; the JSON report has all."""
PLACE_COLUMNS: Final = 56
"""A module path longer than this is shortened in its middle."""


def findings_section(report: Report) -> Iterator[RenderableType]:
    """Yield every finding: its severity and rule, title, detail, numbers, fixes and plots."""
    yield heading("Findings")
    if not report.findings:
        yield indented(text_of("none"))
    for position, finding in enumerate(worst_first(report.findings)):
        if position:
            yield Text()
        yield from _finding(finding, known_text(report) if report.known(finding) else "")


def known_text(report: Report) -> str:
    """Return what is said of findings that the baseline has already; empty without a baseline."""
    return f"known: in the baseline {report.baseline.source}" if report.baseline is not None else ""


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings by severity, and as they stand within each."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def _finding(finding: Finding, known: str) -> Iterator[RenderableType]:
    yield Text.assemble(word(finding.severity), "  ", text_of(finding.rule, "bold"), overflow="fold")
    yield indented(text_of(finding.title, "bold"))
    if known:
        yield indented(text_of(known, "dim"))
    if finding.detail:
        yield indented(text_of(finding.detail))
    rows = []
    if where := places_text(finding.locations):
        rows.append(("where", text_of(where)))
    if finding.evidence:
        shown = (f"{name.replace('_', ' ')} {evidence_text(value)}" for name, value in finding.evidence.items())
        rows.append(("measured", text_of(SEPARATOR.join(shown))))
    if finding.fixes:
        rows.append(("fixes", text_of(", ".join(finding.fixes))))
    if finding.plots:
        rows.append(("plots", text_of(", ".join(finding.plots))))
    if rows:
        yield labelled(rows)


def places_text(locations: Sequence[Location]) -> str:
    """Return where something was found; of many places the first and how many there are.

    >>> places_text([Location(module="layers.3.linear1", file="/home/me/model.py", line=42)])
    'layers.3.linear1 (model.py:42)'
    """
    places = list(dict.fromkeys(place for place in map(_place, locations) if place))
    shown = ", ".join(places[:MOST_PLACES])
    return shown if len(places) <= MOST_PLACES else f"{shown}, … {len(places)} in all"


def _place(location: Location) -> str:
    module = shortened_path(location.module, PLACE_COLUMNS)
    name = re.split(r"[/\\]", location.file)[-1]
    line = "" if location.line is None else f":{location.line}"
    file = shortened(name, PLACE_COLUMNS) + line if name else ""
    return f"{module} ({file})" if module and file else module or file
