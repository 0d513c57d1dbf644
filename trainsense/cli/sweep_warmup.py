"""`trainsense sweep-warmup`."""

from dataclasses import dataclass
from typing import Annotated, Final

import typer

from trainsense.cli.options import RunOptions, help_text, with_options
from trainsense.cli.running import run

NAME: Final = "sweep-warmup"
HELP: Final = help_text(
    "Find the shortest warmup that makes training work.",
    "sweep-warmup recipes/wide_resnet_stride.py",
    "sweep-warmup recipes/wide_resnet_stride.py --factor 100",
    "sweep-warmup recipes/wide_resnet_stride.py --budget 5m --format json",
)


@dataclass(frozen=True, kw_only=True)
class WarmupOptions(RunOptions):
    """The shared options and the multiple to aim at."""

    factor: Annotated[
        float, typer.Option("--factor", help="Multiple of the unstable learning rate to aim at, 10 or 100.")
    ] = 10.0


def _sweep_warmup(options: WarmupOptions) -> None:
    run(NAME, options, factor=options.factor)


command = with_options(WarmupOptions, _sweep_warmup)
