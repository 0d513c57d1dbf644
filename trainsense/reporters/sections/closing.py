"""What was looked at without a finding, what was not looked at, what it cost, and where the files lie."""

from collections.abc import Iterable, Iterator, Mapping

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from trainsense.records.finding import NotAssessed
from trainsense.records.report import Report
from trainsense.reporters.numbers import number_text
from trainsense.reporters.sections.layout import SEPARATOR, heading, indented, labelled, text_of


def closing(report: Report) -> Iterator[RenderableType]:
    """Yield the rules that passed or could not be assessed, what did not run, the cost and the files."""
    if report.passed or report.not_assessed or report.not_run:
        yield heading("Other checks")
    if report.passed:
        names = ", ".join(passed.rule for passed in report.passed)
        yield labelled([("passed", text_of(names))])
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
