"""`trainsense explain`: the rules, and one rule's page."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from trainsense.cli.choice import check_choice
from trainsense.cli.options import help_text
from trainsense.cli.streams import report_stream

if TYPE_CHECKING:
    from trainsense.rules import Rule

SOURCES: Final = """
(PROTOCOL and CONTRACT stand beside the source: trainsense/protocol/PROTOCOL.md, trainsense/records/CONTRACT.md.)
"""
NAME: Final = "explain"
HELP: Final = help_text(
    "List the rules, or say what one means.",
    "explain",
    "explain best-lr-at-edge",
)


def command(
    *,
    rule: Annotated[str | None, typer.Argument(metavar="[RULE]", help="A rule's name.", show_default=False)] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Full tracebacks.")] = False,  # noqa: ARG001 - read in main
) -> None:
    """Write the list of rules, or the page of one."""
    # Here and not above: the help of other commands must not wait for the rules.
    from trainsense.cli.rendering import deliver  # noqa: PLC0415
    from trainsense.rules import RULES  # noqa: PLC0415

    text = _list(RULES) if rule is None else _page(rule, RULES)
    with report_stream() as stream:
        deliver(lambda out: out.write(text), stream)


def _list(rules: Sequence["Rule"]) -> str:
    width = max(len(rule.name) for rule in rules)
    lines = []
    for family in dict.fromkeys(rule.family for rule in rules):
        members = [f"  {rule.name:<{width}}  {rule.summary}" for rule in rules if rule.family == family]
        lines.extend([f"{family}:", *members, ""])
    return "\n".join([*lines, "One rule's page: trainsense explain RULE", ""])


def _page(name: str, rules: Sequence["Rule"]) -> str:
    check_choice("rule", name, [rule.name for rule in rules])
    rule = next(rule for rule in rules if rule.name == name)
    return f"# {rule.name} ({rule.family})\n\n{rule.page.strip()}\n{SOURCES}"
