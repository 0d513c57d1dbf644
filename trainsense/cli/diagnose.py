"""`trainsense diagnose`."""

from typing import Final

from trainsense.cli.options import RunOptions, help_text, with_options
from trainsense.cli.running import run

NAME: Final = "diagnose"
HELP: Final = help_text(
    "Do all of it, try the fixes, recommend one.",
    "diagnose recipes/wide_resnet_stride.py",
    "diagnose recipes/wide_resnet_stride.py --budget 2m --lr 0.1",
    "diagnose recipes/wide_resnet_stride.py --format json --fail-on warning",
)


def _diagnose(options: RunOptions) -> None:
    run(NAME, options)


command = with_options(RunOptions, _diagnose)
