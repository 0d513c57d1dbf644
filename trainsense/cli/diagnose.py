"""`trainsense diagnose`."""

from dataclasses import dataclass
from typing import Annotated, Final

import typer

from trainsense.cli.options import RunOptions, help_text, with_options
from trainsense.cli.running import run

NAME: Final = "diagnose"
HELP: Final = help_text(
    "Do all of it, try the fixes, recommend one.",
    "diagnose recipes/wide_resnet_stride.py",
    "diagnose recipes/wide_resnet_stride.py --budget 2m --lr 0.1",
    "diagnose recipes/wide_resnet_stride.py --format json --fail-on warning",
)


@dataclass(frozen=True, kw_only=True)
class DiagnoseOptions(RunOptions):
    """The shared options and whether to train a setup that has an error."""

    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Train although preflight found an error in the setup.")
    ] = False


def _diagnose(options: DiagnoseOptions) -> None:
    run(NAME, options, keep_going=options.keep_going)


command = with_options(DiagnoseOptions, _diagnose)
