"""What was looked at without a finding, what was not looked at, what it cost, and where the files lie."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from trainsense.records.finding import Ignored, NotAssessed
from trainsense.records.report import Report
from trainsense.records.selection import NOT_SELECTED
from trainsense.reporters.numbers import number_text
from trainsense.reporters.sections.layout import SEPARATOR, heading, indented, labelled, text_of


def closing(report: Report) -> Iterator[RenderableType]:
    """Yield the rules that passed, are ignored or could not be assessed, what did not run, the cost and the files."""
    if report.passed or report.ignored or report.not_assessed or report.not_run:
        yield heading("Other checks")
    if report.passed:
        names = ", ".join(passed.rule for passed in report.passed)
        yield labelled([("passed", text_of(names))])
    if report.ignored:
        yield labelled(("ignored", text_of(line)) for line in ignored_lines(report.ignored))
    if report.not_assessed:
        yield indented(text_of("not assessed", "dim"))
        for reason, rules in by_reason(report.not_assessed).items():
            yield indented(text_of(f"{', '.join(rules)}: {reason}"), 4)
    if report.not_run:
        yield indented(text_of("not run", "dim"))
        for sentence in report.not_run:
            yield indented(text_of(sentence), 4)
    if report.plots:
        yield heading("Files")
        yield indented(_files(report.plots))
    yield Text()
    yield text_of(cost_text(report), "dim")


def ignored_lines(ignored: Sequence[Ignored]) -> list[str]:
    """Return a line for each rule that was set aside, with what it would have found; one for all that were not selected.

    >>> ignored_lines([Ignored(rule="dead-relu", reason="by design", severity="error", title="Units are dead")])
    ['dead-relu (error: Units are dead): by design']
    """
    lines, not_selected = [], []
    for one in ignored:
        if one.reason == NOT_SELECTED:
            not_selected.append(one.rule)
        else:
            what = f" ({one.severity}: {one.title})" if one.severity else ""
            lines.append(f"{one.rule}{what}: {one.reason}")
    if len(not_selected) == 1:
        lines.append(f"{not_selected[0]}: {NOT_SELECTED}")
    elif not_selected:
        lines.append(f"{len(not_selected)} rules: {NOT_SELECTED}")
    return lines


def cost_text(report: Report) -> str:
    """Return what it took; preflight has no trials."""
    cost, parts = report.cost, []
    if cost.trials or report.command != "preflight":
        parts.append("1 trial" if cost.trials == 1 else f"{cost.trials:,} trials")
    parts.append(f"{cost.steps:,} steps")
    if cost.seconds or report.command != "preflight":
        parts.append(f"{number_text(cost.seconds, 3)} s of training")
    return "Cost: " + SEPARATOR.join(parts)


def by_reason(rules: Iterable[NotAssessed]) -> dict[str, list[str]]:
    """Gather the rules that were held up by the same thing."""
    gathered: dict[str, list[str]] = {}
    for rule in rules:
        gathered.setdefault(rule.reason, []).append(rule.rule)
    return gathered


def _files(files: Mapping[str, str]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(overflow="fold", max_width=30)
    grid.add_column(overflow="fold")
    for name, file in files.items():
        grid.add_row(text_of(name), text_of(file))
    return grid
