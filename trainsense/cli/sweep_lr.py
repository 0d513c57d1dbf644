"""`trainsense sweep-lr`."""

from typing import Final

from trainsense.cli.options import RunOptions, help_text, with_options
from trainsense.cli.running import run

NAME: Final = "sweep-lr"
HELP: Final = help_text(
    "Find the best learning rate and the first that fails.",
    "sweep-lr recipes/wide_resnet_stride.py",
    "sweep-lr recipes/wide_resnet_stride.py --budget 2m --seeds 3",
    "sweep-lr recipes/wide_resnet_stride.py --format json --output text=report.txt",
)


def _sweep_lr(options: RunOptions) -> None:
    run(NAME, options)


command = with_options(RunOptions, _sweep_lr)
