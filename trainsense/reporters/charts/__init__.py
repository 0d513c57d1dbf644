"""The charts of a report, drawn from evidence: one figure a file, the finding as its title."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from trainsense.records.evidence import (
    ClipChoice,
    Evidence,
    FixesTried,
    InstabilityCheck,
    LayerStatistics,
    LearningRateSweep,
    WarmupSweep,
)
from trainsense.records.finding import Finding
from trainsense.records.settings import Settings
from trainsense.reporters.charts.gradient_norm import draw_gradient_norm
from trainsense.reporters.charts.layer_heatmap import PLOT as LAYERS
from trainsense.reporters.charts.layer_heatmap import draw_layer_heatmap
from trainsense.reporters.charts.loss_curves import draw_loss_curves
from trainsense.reporters.charts.lr_axis import draw_lr_axis
from trainsense.reporters.charts.lr_axis_with_fix import draw_lr_axis_with_fix
from trainsense.reporters.charts.style import house_style, save
from trainsense.reporters.charts.warmup_grid import draw_warmup_grid


def draw_charts(
    evidence: Sequence[Evidence],
    directory: Path,
    *,
    user_lr: float | None,
    recommended: Settings | None = None,
    findings: Sequence[Finding] = (),
) -> dict[str, str]:
    """Draw each chart whose evidence is there, as PNG and as SVG.

    Args:
        evidence: what the stages came to.
        directory: where the files go; made if it is not there.
        user_lr: the learning rate that the user trains with today, None if unknown.
        recommended: the settings that the report recommends: their fix is the one shown before and after.
        findings: the report's, the worst first: the chart of the layers is titled by the first that names it, and marks
            the layers that they name.

    Returns:
        Name of the plot, as findings refer to it, to the file name of its PNG.
    """
    directory.mkdir(parents=True, exist_ok=True)
    drawn: dict[str, str] = {}
    with house_style():
        for name, figure in _figures(evidence, user_lr, recommended, findings):
            if figure is not None:
                drawn[name] = save(figure, directory, name)
    return drawn


def _figures(
    evidence: Sequence[Evidence], user_lr: float | None, recommended: Settings | None, findings: Sequence[Finding]
) -> Iterator[tuple[str, Figure | None]]:
    sweep = next((piece for piece in evidence if isinstance(piece, LearningRateSweep)), None)
    check = next((piece for piece in evidence if isinstance(piece, InstabilityCheck)), None)
    clip = next((piece for piece in evidence if isinstance(piece, ClipChoice)), None)
    warmup = next((piece for piece in evidence if isinstance(piece, WarmupSweep)), None)
    layers = next((piece for piece in evidence if isinstance(piece, LayerStatistics)), None)
    tried = next((piece for piece in evidence if isinstance(piece, FixesTried)), None)
    if sweep is not None and sweep.points:
        if tried is not None:
            yield "lr-axis-with-fix", draw_lr_axis_with_fix(sweep, tried, user_lr=user_lr, recommended=recommended)
        yield "lr-axis", draw_lr_axis(sweep, user_lr=user_lr)
    yield "loss-above-best-lr", draw_loss_curves(check, sweep)
    if clip is not None:
        yield "gradient-norm", draw_gradient_norm(clip)
    if warmup is not None:
        yield "warmup-grid", draw_warmup_grid(warmup)
    if layers is not None:
        yield LAYERS, draw_layer_heatmap(layers, findings)
