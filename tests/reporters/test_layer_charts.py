"""Tests of the map of layers."""

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.reporters.sample_layers import block_names, dead_relu, layer_statistics, vanishing, without_figures
from tests.reporters.test_layers import HOSTILE
from trainsense.records.evidence import LayerStatistics
from trainsense.reporters.charts import draw_charts
from trainsense.reporters.charts.layer_heatmap import draw_layer_heatmap
from trainsense.reporters.charts.layer_labels import labelled_rows


def drawn(layers: LayerStatistics, **options: Any) -> Figure:
    """Return the chart, which must be there."""
    figure = draw_layer_heatmap(layers, **options)
    assert figure is not None
    return figure


def title(figure: Figure) -> str:
    """Return the title on one line."""
    return " ".join(figure.get_suptitle().split())


def changed(layers: LayerStatistics, **figures: Any) -> LayerStatistics:
    """Return the same with these figures in every reading."""
    snapshots = tuple(
        replace(snapshot, layers=tuple(replace(one, **figures) for one in snapshot.layers))
        for snapshot in layers.snapshots
    )
    return replace(layers, snapshots=snapshots)


def test_the_chart_among_the_others(tmp_path: Path) -> None:
    """PNG and SVG by the name that findings use, the same file each time; the worst finding is the title."""
    names = block_names(12)
    findings = (vanishing(names), dead_relu(names[6]))
    for folder in ("one", "two"):
        assert draw_charts([layer_statistics(names)], tmp_path / folder, user_lr=0.1, findings=findings) == {
            "layers": "layers.png"
        }
    svg = (tmp_path / "one" / "layers.svg").read_text(encoding="utf-8")
    assert svg == (tmp_path / "two" / "layers.svg").read_text(encoding="utf-8")
    assert "relative gradient is 2.3e-06 of" in svg
    assert "&gt; embedding" in svg
    assert "encoder.layers.2.linear1" in svg
    assert "gradient norm / weight norm" in svg
    assert "1e-03, customary" in svg
    assert (tmp_path / "one" / "layers.png").read_bytes().startswith(b"\x89PNG")


def test_without_a_finding_the_title_says_what_was_measured() -> None:
    """A finding that shows itself in another plot is no title of this one."""
    names = block_names(4)
    other = replace(dead_relu(names[0]), plots=("gradient-norm",))
    expected = "At initialisation the layers' relative gradients lie between 0.01 (embedding) and 0.03 "
    assert title(drawn(layer_statistics(names), findings=(other,))).startswith(expected)
    assert title(drawn(layer_statistics(["fc"]))) == "At initialisation the relative gradient is 0.03"
    layers = layer_statistics(names)
    assert "of 4 of 4 layers is not finite" in title(drawn(changed(layers, gradient_norm=math.nan)))
    assert "no layer has a gradient" in title(drawn(changed(layers, gradient_norm=None)))


def test_one_snapshot_has_no_updates() -> None:
    """Nor has a run that made none: one panel and its colour bar."""
    names = block_names(12)
    assert len(drawn(layer_statistics(names)).axes) == 3
    assert len(drawn(layer_statistics(names, steps=(0,))).axes) == 2
    assert len(drawn(changed(layer_statistics(names), update_ratio=0.0)).axes) == 2


def test_updates_of_the_last_step_that_has_any() -> None:
    """The look after the warm start makes none."""
    layers = layer_statistics(block_names(4))
    *before, last = layers.snapshots
    still = replace(last, layers=tuple(replace(one, update_ratio=None) for one in last.layers))
    panel = drawn(replace(layers, snapshots=(*before, still))).axes[1]
    dots = panel.get_lines()[0]
    assert (dots.get_label(), np.size(dots.get_xdata())) == ("step 20", 4)


def test_nothing_to_draw() -> None:
    """No snapshot, no layer."""
    assert draw_layer_heatmap(replace(layer_statistics(["a"]), snapshots=())) is None
    assert draw_layer_heatmap(layer_statistics([])) is None


@pytest.mark.parametrize("count", [1, 2, 4, 12, 60, 200])
def test_labels_have_room(count: int) -> None:
    """First and last layer are labelled, and no label lies on another."""
    figure = drawn(layer_statistics(block_names(count)))
    axes = figure.axes[0]
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert all(upper.y0 >= lower.y1 - 1 for upper, lower in pairwise(boxes))
    ticks = list(axes.get_yticks())
    assert (ticks[0], ticks[-1]) == (0, count - 1)


def test_layers_that_are_named_keep_their_label() -> None:
    """The first named where there is no room for all."""
    assert 101 in labelled_rows(200, [101], 30)
    assert labelled_rows(1, [], 2) == [0]
    rows = labelled_rows(200, list(range(200)), 20)
    assert rows[0] == 0
    assert len(rows) <= 20


@pytest.mark.parametrize(
    "layers",
    [
        without_figures(layer_statistics(block_names(12))),
        changed(layer_statistics(["a", "b"]), gradient_norm=1.7e308, update_ratio=1e308),
        changed(layer_statistics(["a", "b"]), gradient_norm=5e-323, weight_norm=1.0, update_ratio=1e-320),
        changed(layer_statistics(["a", "b"]), gradient_norm=0.0, update_ratio=math.inf),
    ],
)
def test_odd_figures(layers: LayerStatistics, tmp_path: Path) -> None:
    """NaN, infinite, zero, missing and at the ends of what a float holds."""
    assert draw_charts([layers], tmp_path, user_lr=None)


def test_hostile_names(tmp_path: Path) -> None:
    """No warning of missing glyphs, no formula set, in labels and title."""
    names = [*HOSTILE, r"$\frac{1}{0}$", "a$b_{$"]
    finding = replace(vanishing(names), title=r"$\frac{1}{0}$ " + "日😀\x1b" * 300)
    draw_charts([layer_statistics(names)], tmp_path, user_lr=None, findings=(finding,))
    assert r"$\frac{1}{0}$" in (tmp_path / "layers.svg").read_text(encoding="utf-8")
