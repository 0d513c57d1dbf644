"""`trainsense compare`."""

from dataclasses import dataclass
from typing import Annotated, Final

import typer

from trainsense.cli.options import OutputOptions, help_text, with_options

NAME: Final = "compare"
HELP: Final = help_text(
    "Hold two saved reports against each other: what got better, what got worse, what chance explains.",
    "compare sample_runs/wide_resnet_stride wide_resnet_stride",
    "compare sample_runs/wide_resnet_stride .trainsense/wide_resnet_stride --fail-on-regression --output junit=compare.xml",
    "compare sample_runs/wide_resnet_stride/report.json sample_runs/deep_residual_no_norm/report.json --format markdown",
    "compare --schema",
)


@dataclass(frozen=True, kw_only=True)
class CompareOptions(OutputOptions):
    """What was typed, unchecked."""

    base: Annotated[
        str | None,
        typer.Argument(
            metavar="BASE", help="A run directory, a report.json, or a workload's name.", show_default=False
        ),
    ] = None
    new: Annotated[
        str | None, typer.Argument(metavar="NEW", help="The report that is judged, likewise.", show_default=False)
    ] = None
    fail_on_regression: Annotated[
        bool,
        typer.Option(
            "--fail-on-regression",
            help="Exit 1 where a stable learning rate is lower, or an error or warning is new or worse, beyond noise.",
        ),
    ] = False
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of comparisons instead.")] = False


def _compare(options: CompareOptions) -> None:
    # Here and not above: `--help` must not wait for what renders.
    from trainsense.cli.comparing import compare_kept  # noqa: PLC0415
    from trainsense.cli.reporting import print_schema  # noqa: PLC0415

    if options.schema:
        print_schema("comparison/comparison.schema.json")
    compare_kept(
        options.base, options.new, options.format, options.output or (), fail_on_regression=options.fail_on_regression
    )


command = with_options(CompareOptions, _compare)
