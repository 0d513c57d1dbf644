"""`trainsense check-instability`."""

from typing import Final

from trainsense.cli.options import RunOptions, help_text, with_options
from trainsense.cli.running import run

NAME: Final = "check-instability"
HELP: Final = help_text(
    "Say when and how training becomes unstable.",
    "check-instability recipes/wide_resnet_stride.py",
    "check-instability recipes/wide_resnet_stride.py --lr 0.1",
    "check-instability recipes/wide_resnet_stride.py --budget 20000steps --fail-on warning",
)


def _check_instability(options: RunOptions) -> None:
    run(NAME, options)


command = with_options(RunOptions, _check_instability)
