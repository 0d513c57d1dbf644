"""What was looked at without a finding, what could not be, what was set aside, and what did not run."""

from collections.abc import Iterator, Sequence

from trainsense.records.finding import Ignored, NotAssessed
from trainsense.records.report import Report
from trainsense.reporters.document.blocks import Block, Card, Folded, Heading, Items, Paragraph
from trainsense.reporters.sections.closing import by_reason


def checks_section(report: Report) -> Iterator[Block]:
    """Yield the other rules, what crashed first, and what was planned and did not run; nothing where there is none."""
    crashed = [rule for rule in report.not_assessed if rule.crashed]
    others = [rule for rule in report.not_assessed if not rule.crashed]
    if not (report.passed or report.not_assessed or report.ignored or report.not_run):
        return
    yield Heading(text="Other checks")
    for rule in crashed:
        yield Card(
            tone="inconclusive", label="crashed", name=rule.rule, title="The check itself failed", blocks=_why(rule)
        )
    if report.passed:
        names = ", ".join(dict.fromkeys(passed.rule for passed in report.passed))
        yield Folded(summary=f"Passed: {len(report.passed)}", blocks=(Paragraph(text=names),))
    if others:
        yield Folded(summary=f"Not assessed: {len(others)}", blocks=(Items(items=tuple(_by_reason(others))),))
    if report.ignored:
        ignored = Items(items=tuple(_ignored_text(rule) for rule in report.ignored))
        yield Folded(summary=_ignored_summary(report.ignored), blocks=(ignored,))
    if report.not_run:
        yield Folded(summary=f"Not run: {len(report.not_run)}", blocks=(Items(items=tuple(report.not_run)),))


def _why(rule: NotAssessed) -> tuple[Block, ...]:
    return (Paragraph(text=rule.reason),) if rule.reason else ()


def _by_reason(rules: Sequence[NotAssessed]) -> Iterator[str]:
    for reason, names in by_reason(rules).items():
        yield f"{', '.join(names)}: {reason}" if reason else ", ".join(names)


def _ignored_summary(rules: Sequence[Ignored]) -> str:
    found = sum(rule.severity is not None for rule in rules)
    return f"Ignored: {len(rules)}" + (f", {found} of which would have found something" if found else "")


def _ignored_text(rule: Ignored) -> str:
    found = f"; would have found {rule.severity}: {rule.title}" if rule.severity is not None else ""
    return f"{rule.rule} ({rule.reason}){found}"
