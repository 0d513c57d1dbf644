"""The figures of a document: the plots of a report with what they show in words and numbers, one plot a file."""

from collections.abc import Callable, Mapping
from typing import Final

from trainsense.records.report import Report
from trainsense.reporters.document.blocks import Figure
from trainsense.reporters.document.figures.description import Description
from trainsense.reporters.document.figures.gradient_norm import gradient_norm
from trainsense.reporters.document.figures.layers import layers
from trainsense.reporters.document.figures.loss_above_best_lr import loss_above_best_lr
from trainsense.reporters.document.figures.lr_axis import lr_axis
from trainsense.reporters.document.figures.lr_axis_with_fix import lr_axis_with_fix
from trainsense.reporters.document.figures.picture import picture_of
from trainsense.reporters.document.figures.warmup_grid import warmup_grid
from trainsense.reporters.interface import Rendering

DESCRIPTIONS: Final[Mapping[str, Callable[[Report], Description | None]]] = {
    "lr-axis-with-fix": lr_axis_with_fix,
    "lr-axis": lr_axis,
    "loss-above-best-lr": loss_above_best_lr,
    "gradient-norm": gradient_norm,
    "warmup-grid": warmup_grid,
    "layers": layers,
}
"""What describes each plot by the report's stages; None where they do not hold its numbers."""


def figures_of(report: Report, rendering: Rendering) -> dict[str, Figure]:
    """Return a figure for each plot of the report, by name.

    A plot that is not at hand keeps its numbers; where there are none either, it is left out.
    """
    figures = {}
    for name, path in report.plots.items():
        file = picture_of(name, path, rendering.directory)
        describe = DESCRIPTIONS.get(name)
        known = None if describe is None else describe(report)
        if known is not None:
            figures[name] = Figure(
                name=name,
                alternative=known.alternative,
                caption=known.caption,
                file=file,
                numbers=known.numbers,
            )
        elif file is not None:
            plain = f"The plot {name}; this version of trainsense cannot put it into words."
            figures[name] = Figure(name=name, alternative=plain, caption=name, file=file, numbers=None)
    return figures
