"""`trainsense preflight`."""

from typing import Final

from trainsense.cli.options import RunOptions, help_text, with_options
from trainsense.cli.running import run

NAME: Final = "preflight"
HELP: Final = help_text(
    "Look into the model, its batches and its first steps: seconds, no training to speak of.",
    "preflight recipes/deep_residual_no_norm.py",
    "preflight recipes/deep_residual_no_norm.py --fail-on warning --quiet",
    "preflight recipes/deep_residual_no_norm.py --format json --output text=preflight.txt",
)


def _preflight(options: RunOptions) -> None:
    run(NAME, options)


command = with_options(RunOptions, _preflight)
