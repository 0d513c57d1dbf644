"""Rules for a terminal: laid out at its width, in its colours and its encoding."""

from collections.abc import Sequence
from io import StringIO
from typing import Final

from rich.console import Console, RenderableType
from rich.markdown import Heading, Markdown
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from trainsense.records.rule_page import RulePage
from trainsense.reporters.ascii_text import encodable
from trainsense.reporters.rule_pages.markdown import page_of_rule

LEAST_WIDTH: Final = 20
NARROW: Final = 60
"""Columns below which a summary stands under its rule's name instead of beside it."""
STYLES: Final = Theme({"markdown.h1": "bold", "markdown.h2": "bold", "markdown.code": "cyan"})
"""Foregrounds alone: rich's own background for code is dark in every terminal."""


class _LeftHeading(Heading):
    """A heading at the left: rich centres the first one and, in older versions, draws a box around it."""

    def __rich__(self) -> Text:
        return self.text


class _Page(Markdown):
    """Markdown with its headings at the left."""

    elements = {**Markdown.elements, "heading_open": _LeftHeading}  # noqa: RUF012 - as rich declares it


def text_of_rule(rule: RulePage, *, width: int, color: bool, encoding: str | None) -> str:
    """Return a rule's page, rendered.

    Args:
        rule: the rule.
        width: columns; fewer than 20 are taken for 20.
        color: whether to colour.
        encoding: the terminal's; what it cannot carry is replaced. None is taken for UTF-8.
    """
    return _rendered([_Page(page_of_rule(rule), hyperlinks=False)], width, encoding, color=color)


def text_of_rules(rules: Sequence[RulePage], *, width: int, color: bool, encoding: str | None) -> str:
    """Return the rules with their summaries, by family; the arguments are those of `text_of_rule`."""
    parts: list[RenderableType] = []
    longest = max((len(rule.name) for rule in rules), default=0)
    for family in dict.fromkeys(rule.family for rule in rules):
        members = [rule for rule in rules if rule.family == family]
        parts += [Text(f"{family}:", style="bold"), *_members(members, longest, narrow=width < NARROW), Text()]
    parts.append(Text("One rule's page: trainsense explain RULE"))
    return _rendered(parts, width, encoding, color=color)


def _members(rules: Sequence[RulePage], longest: int, *, narrow: bool) -> list[RenderableType]:
    if narrow:
        return [part for rule in rules for part in (_name(rule), Padding(Text(rule.summary), (0, 0, 0, 4)))]
    table = Table.grid(padding=(0, 2))
    table.add_column(width=longest + 2, no_wrap=True)
    table.add_column()
    for rule in rules:
        table.add_row(_name(rule), Text(rule.summary))
    return [table]


def _name(rule: RulePage) -> Text:
    return Text.assemble("  ", (rule.name, "cyan"))


def _rendered(parts: Sequence[RenderableType], width: int, encoding: str | None, *, color: bool) -> str:
    buffer = StringIO()
    console = Console(
        file=buffer,
        width=max(width, LEAST_WIDTH),
        height=100,
        color_system="standard" if color else None,
        force_terminal=color,
        no_color=not color,
        theme=STYLES,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    for part in parts:
        console.print(part)
    lines = (line.rstrip() for line in buffer.getvalue().strip("\n").split("\n"))
    return encodable("\n".join(lines), encoding)
