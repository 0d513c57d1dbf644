"""The comparison as people read it: what became worse first."""

from collections.abc import Iterator, Sequence

from trainsense.records.report_comparison import ChangedFinding, ComparedFigure, ReportComparison
from trainsense.reporters.comparison.lr_strips import lr_strips
from trainsense.reporters.comparison.words import (
    TONES,
    by_severity,
    given,
    in_neither,
    reading_text,
    reason_text,
    severity_text,
    side_text,
    title_of,
    worth_a_reason,
)
from trainsense.reporters.document import (
    Block,
    Card,
    Code,
    Document,
    Facts,
    Folded,
    Heading,
    Items,
    Paragraph,
    Table,
    Tone,
)
from trainsense.reporters.sections.findings import places_text


def document_of_comparison(comparison: ReportComparison) -> Document:
    """Return the comparison as a document: verdict, regressions, findings, figures, both learning-rate axes."""
    return Document(
        title=title_of(comparison),
        tone=TONES[comparison.verdict],
        verdict=comparison.verdict,
        subtitle=f"{comparison.base.source} against {comparison.new.source} · compare, trainsense {comparison.version}",
        summary=comparison.summary,
        blocks=tuple(_blocks(comparison)),
    )


def _blocks(comparison: ReportComparison) -> Iterator[Block]:
    if comparison.remarks:
        yield Items(items=comparison.remarks)
    if comparison.regressions:
        yield Heading(text="Regressions")
        yield Items(items=comparison.regressions)
    yield from _findings(comparison.findings)
    yield from _figures(comparison.figures)
    yield from _axes(comparison)
    yield Heading(text="The two reports")
    yield Facts(rows=(("BASE", side_text(comparison.base)), ("NEW", side_text(comparison.new))))


def _findings(findings: Sequence[ChangedFinding]) -> Iterator[Block]:
    """Yield a card for each finding that changed; of those that are the same the names."""
    yield Heading(text="Findings")
    if not findings:
        yield Paragraph(text="none in either")
    yield from (_card(finding) for finding in findings if finding.change != "same")
    same = by_severity([finding for finding in findings if finding.change == "same"])
    if told := "; ".join(f"{severity} {names}" for severity, names in same):
        yield Paragraph(text=f"The same in both: {told}.")


def _card(finding: ChangedFinding) -> Card:
    """Return a finding; what is gone keeps its word and loses its alarm."""
    blocks: list[Block] = [Paragraph(text=finding.reason, quiet=True)] if finding.reason else []
    if where := places_text(finding.locations):
        blocks.append(Facts(rows=(("where", where),)))
    tone: Tone = finding.severity if finding.after is not None else "neutral"
    label = f"{finding.change}: {severity_text(finding)}"
    return Card(tone=tone, label=label, name=finding.rule, title=finding.title, blocks=tuple(blocks))


def _figures(figures: Sequence[ComparedFigure]) -> Iterator[Block]:
    """Yield the figures as a table, why they differ below it, and what else was weighed folded away."""
    shown = given(figures)
    yield Heading(text="Figures")
    yield Table(
        columns=("figure", "verdict", "BASE", "NEW"),
        rows=tuple(_row(figure) for figure in shown),
        numeric=(False, False, False, False),
    )
    reasons = tuple((figure.title, reason_text(figure)) for figure in shown if worth_a_reason(figure))
    if reasons:
        yield Facts(rows=reasons)
    if absent := in_neither(figures):
        yield Paragraph(text=f"In neither report: {absent}.", quiet=True)
    others = tuple((one.title, reason_text(one)) for one in shown if one.interval and not worth_a_reason(one))
    intervals = tuple((f"{figure.title}, interval", figure.interval) for figure in shown if figure.interval)
    yield Folded(summary="How each figure was compared", blocks=(Facts(rows=(*others, *intervals)),))


def _row(figure: ComparedFigure) -> tuple[str, ...]:
    verdict = f"{figure.verdict}, a regression" if figure.regression else figure.verdict
    base, new = (reading_text(figure, reading) for reading in (figure.base, figure.new))
    return figure.title, verdict, base, new


def _axes(comparison: ReportComparison) -> Iterator[Block]:
    strips = lr_strips(comparison)
    if strips is not None:
        yield Heading(text="Learning rates tried")
        yield Code(text="\n".join(strips.lines), language="")
        yield Paragraph(text=strips.legend, quiet=True)
