"""`trainsense report`."""

from dataclasses import dataclass
from typing import Annotated, Final

import typer

from trainsense.cli.options import FailOn, OutputOptions, help_text, with_options

NAME: Final = "report"
HELP: Final = help_text(
    "Write a saved report again, in any format, with the exit status of the run that made it.",
    "report wide_resnet_stride",
    "report .trainsense/wide_resnet_stride --format html --output markdown=comment.md",
    "report sample_runs/wide_resnet_stride/report.json --format junit --fail-on never",
    "report --schema",
)


@dataclass(frozen=True, kw_only=True)
class ReportOptions(OutputOptions):
    """What was typed, unchecked."""

    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="A run directory, a report.json, or a workload's name.", show_default=False),
    ] = None
    fail_on: FailOn = "error"
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of reports instead.")] = False


def _report(options: ReportOptions) -> None:
    # Here and not above: `--help` must not wait for what renders.
    from trainsense.cli.reporting import print_schema, report_again  # noqa: PLC0415

    if options.schema:
        print_schema("report.schema.json")
    report_again(options.run, options.format, options.output or (), options.fail_on)


command = with_options(ReportOptions, _report)
