"""Tests of the charts: that they are there, show the finding, and cost little."""

import math
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from tests.reporters.samples import clip, diverged, evidence, instability, sweep, trained, warmup
from trainsense.records.evidence import Evidence, InstabilityRun, LearningRateSweep
from trainsense.reporters.charts import draw_charts
from trainsense.reporters.charts.curve import MOST_POINTS, decimated, running_mean

NAMES = ["lr-axis-with-fix", "lr-axis", "loss-above-best-lr", "gradient-norm", "warmup-grid"]
SMALLEST_PNG = 15_000


def svg(directory: Path, name: str) -> str:
    """Return the SVG's text."""
    return (directory / f"{name}.svg").read_text(encoding="utf-8")


def test_the_charts_of_a_diagnosis(tmp_path: Path) -> None:
    """Each as PNG and SVG, the finding as title, the same file each time."""
    drawn = draw_charts(evidence(), tmp_path / "one", user_lr=0.3)
    assert drawn == {name: f"{name}.png" for name in NAMES}
    for name in NAMES:
        image = (tmp_path / "one" / drawn[name]).read_bytes()
        assert image.startswith(b"\x89PNG")
        assert len(image) > SMALLEST_PNG
    assert "Best learning rate 0.1; learning rates fail from 0.464" in svg(tmp_path / "one", "lr-axis")
    assert "your lr 0.3" in svg(tmp_path / "one", "lr-axis")
    assert "onset at step 14" in svg(tmp_path / "one", "loss-above-best-lr")
    assert "would clip half" in svg(tmp_path / "one", "gradient-norm")
    assert "46 warmup steps are the shortest" in svg(tmp_path / "one", "warmup-grid")
    draw_charts(evidence()[1:2], tmp_path / "two", user_lr=0.3)
    assert svg(tmp_path / "two", "lr-axis") == svg(tmp_path / "one", "lr-axis")


def test_best_at_the_edge_is_said(tmp_path: Path) -> None:
    """The title of figure 7a."""
    draw_charts([replace(sweep(), unstable_lr=10 ** (-2 / 3))], tmp_path, user_lr=None)
    assert "Best learning rate 0.1 is one grid point below failure" in svg(tmp_path, "lr-axis")


def _nothing_trained() -> LearningRateSweep:
    axis = sweep()
    return replace(axis, points=axis.points[8:], best_lr=None, best_range=None, edge_lr=None)


@pytest.mark.parametrize(
    ("piece", "names"),
    [
        (_nothing_trained(), ["lr-axis"]),
        (replace(sweep(), points=()), []),
        (replace(sweep(), points=sweep().points[6:7], unstable_lr=None), ["lr-axis"]),
        (replace(clip(), stable_run=None, percentiles=None), []),
        (replace(clip(), stable_run=diverged(1.0)), []),
        (replace(clip(), clip_norm=None, percentile=None, refused="too short"), ["gradient-norm"]),
        (replace(warmup(), attempts=()), []),
        (replace(warmup(), attempts=warmup().attempts[:1], lr=None, warmup_steps=None), ["warmup-grid"]),
        (replace(instability(), runs=()), []),
        (replace(instability(), runs=instability().runs[:1]), ["loss-above-best-lr"]),
        (
            replace(
                instability(),
                runs=(InstabilityRun(factor=10.0, run=diverged(1.0, at=0, value=math.inf), event=None),),
            ),
            [],
        ),
    ],
)
def test_evidence_with_little_in_it(piece: Evidence, names: list[str], tmp_path: Path) -> None:
    """Draws what there is and nothing else."""
    assert list(draw_charts([piece], tmp_path, user_lr=1e-5)) == names


def test_losses_on_other_scales(tmp_path: Path) -> None:
    """Negative losses, and losses over many orders of magnitude."""
    for factor, offset in ((1.0, -3.0), (1e-6, 0.0), (1e8, 0.0)):
        points = tuple(
            replace(
                point,
                runs=tuple(
                    replace(run, score=None if run.score is None else factor * run.score**3 + offset)
                    for run in point.runs
                ),
            )
            for point in sweep().points
        )
        assert draw_charts([replace(sweep(), points=points)], tmp_path, user_lr=None)


def test_the_users_style_is_left_alone(tmp_path: Path) -> None:
    """Drawing changes no setting of matplotlib."""
    before = dict(mpl.rcParams)
    draw_charts([sweep()], tmp_path, user_lr=None)
    assert dict(mpl.rcParams) == before


def test_a_spike_survives_decimation() -> None:
    """Up and down, with ascending steps and few points."""
    values = np.zeros(100_000)
    values[54_321], values[60_000] = 7.0, -7.0
    steps, kept = decimated(np.arange(100_000.0), values)
    assert len(kept) <= MOST_POINTS
    assert (kept.max(), kept.min()) == (7.0, -7.0)
    assert np.all(np.diff(steps) > 0)


def test_the_running_mean_leaves_out_what_is_not_finite() -> None:
    """One infinite loss must not blank the curve."""
    mean = running_mean(np.array([1.0, math.inf, 3.0]), 3)
    assert mean.tolist() == [1.0, 2.0, 3.0]
    assert len(trained(0.1, 0.3).trace) == len(running_mean(trained(0.1, 0.3).trace.loss, 15))
