"""The findings: a card each, the worst first."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, TypeGuard

from trainsense.records.finding import Finding
from trainsense.records.report import Report
from trainsense.reporters.document.blocks import Block, Card, Facts, Figure, Folded, Heading, Paragraph, Table
from trainsense.reporters.numbers import evidence_text
from trainsense.reporters.sections.findings import places_text, worst_first
from trainsense.reporters.sections.layout import SEPARATOR
from trainsense.reporters.sections.recommendation import with_status

KNOWN: Final = "known"
"""The word of a finding that the baseline has already."""
MOST_IN_LINE: Final = 4
"""Entries of a measured mapping that still read well on one line; more become a table."""


def findings_section(
    report: Report, figures: Mapping[str, Figure], shown: Mapping[str, Collection[str]]
) -> Iterator[Block]:
    """Yield a card for every finding.

    Args:
        report: the report.
        figures: all figures of the document, by name.
        shown: which figures each finding shows, by its rule.
    """
    yield Heading(text="Findings")
    if not report.findings:
        yield Paragraph(text="none")
    if report.baseline is not None:
        known = sum(report.known(finding) for finding in report.findings)
        yield Paragraph(
            text=f"{known} of {len(report.findings)} known from the baseline {report.baseline.source}.", quiet=True
        )
    placed: set[str] = set()
    for finding in worst_first(report.findings):
        mine = [name for name in shown.get(finding.rule, ()) if name not in placed]
        placed |= set(mine)
        yield _card(finding, report, figures, [figures[name] for name in mine])


def plots_of_findings(findings: Sequence[Finding], figures: Collection[str]) -> dict[str, list[str]]:
    """Return which of the figures each finding shows, by its rule: the worst one that names a figure shows it."""
    shown: dict[str, list[str]] = {}
    for finding in worst_first(findings):
        taken = {name for names in shown.values() for name in names}
        mine = dict.fromkeys(name for name in finding.plots if name in figures and name not in taken)
        shown.setdefault(finding.rule, []).extend(mine)
    return shown


def _card(finding: Finding, report: Report, figures: Mapping[str, Figure], mine: Sequence[Figure]) -> Card:
    blocks: list[Block] = [Paragraph(text=finding.detail)] if finding.detail else []
    others = [figures[name] for name in finding.plots if name in figures and figures[name] not in mine]
    rows = [(label, text) for label, text in _facts(finding, report, others) if text]
    if rows:
        blocks.append(Facts(rows=tuple(rows)))
    for name, value in finding.evidence.items():
        if _is_long(value):
            blocks.append(Folded(summary=f"measured: {_words(name)}", blocks=(_evidence_table(_words(name), value),)))
    return Card(
        tone=finding.severity,
        label=f"{finding.severity}, {KNOWN}" if report.known(finding) else finding.severity,
        name=finding.rule,
        title=finding.title,
        blocks=(*blocks, *mine),
    )


def _facts(finding: Finding, report: Report, others: Sequence[Figure]) -> Iterator[tuple[str, str]]:
    yield "where", places_text(finding.locations)
    short = (
        f"{_words(name)} {evidence_text(value)}" for name, value in finding.evidence.items() if not _is_long(value)
    )
    yield "measured", SEPARATOR.join(short)
    yield "fixes", ", ".join(with_status(name, report.fixes) for name in finding.fixes)
    yield "also in", SEPARATOR.join(figure.caption for figure in others)


def _is_long(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping) and len(value) > MOST_IN_LINE


def _evidence_table(title: str, entries: Mapping[str, Any]) -> Table:
    rows = tuple((str(name), evidence_text(value)) for name, value in entries.items())
    return Table(columns=("name", title), rows=rows, numeric=(False, True))


def _words(name: str) -> str:
    return str(name).replace("_", " ")
