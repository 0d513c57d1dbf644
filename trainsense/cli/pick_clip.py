"""`trainsense pick-clip`."""

from typing import Final

from trainsense.cli.options import RunOptions, help_text, with_options
from trainsense.cli.running import run

NAME: Final = "pick-clip"
HELP: Final = help_text(
    "Pick a gradient-clipping threshold and try it.",
    "pick-clip recipes/wide_resnet_stride.py",
    "pick-clip recipes/wide_resnet_stride.py --lr 0.1",
    "pick-clip recipes/wide_resnet_stride.py --budget 5m --format json",
)


def _pick_clip(options: RunOptions) -> None:
    run(NAME, options)


command = with_options(RunOptions, _pick_clip)
