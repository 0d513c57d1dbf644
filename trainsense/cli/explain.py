"""`trainsense explain`: the rules, and one rule's page."""

from typing import Annotated, Final

import typer

from trainsense.cli.options import help_text

NAME: Final = "explain"
HELP: Final = help_text(
    "List the rules, or say what one means: what it checks, how it is decided, what to try.",
    "explain",
    "explain best-lr-at-edge",
    "explain best-lr-at-edge --format json",
    "explain --format markdown",
)


def _rule_names(incomplete: str) -> list[str]:
    from trainsense.rules import RULES  # noqa: PLC0415 - only a shell that completes asks

    return [rule.name for rule in RULES if rule.name.startswith(incomplete)]


def command(
    *,
    rule: Annotated[
        str | None,
        typer.Argument(metavar="RULE", help="A rule's name.", show_default=False, autocompletion=_rule_names),
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", help="What standard output carries: text, json or markdown.")
    ] = "text",
    debug: Annotated[bool, typer.Option("--debug", help="Full tracebacks.")] = False,  # noqa: ARG001 - read in main
) -> None:
    """Write the list of rules, or the page of one."""
    # Here and not above: the help of other commands must not wait for the rules.
    from trainsense.cli.explaining import explain  # noqa: PLC0415

    explain(rule, format_)
