"""`trainsense config`."""

from typing import Annotated, Final

import typer

from trainsense.cli.options import help_text

NAME: Final = "config"
HELP: Final = help_text(
    "Show every setting: its value and where it came from.\n\n"
    "The command line comes first, then environment variables (TRAINSENSE_FAIL_ON=warning), then [tool.trainsense] in "
    "the nearest pyproject.toml that has the table, then the default. One replaces the next as a whole, lists too. "
    "`--select all`, `--ignore none`, `--baseline none` and `--output none` put a configured one out of force.",
    "config",
    "config --format json",
)


def command(
    *,
    format_: Annotated[
        str, typer.Option("--format", help="What standard output carries: text, json or markdown.")
    ] = "text",
    debug: Annotated[bool, typer.Option("--debug", help="Full tracebacks.")] = False,  # noqa: ARG001 - read in main
) -> None:
    """Write every setting."""
    # Here and not above: `--help` must not wait for what reads settings.
    from trainsense.cli.configuring import show_settings  # noqa: PLC0415

    show_settings(format_)
