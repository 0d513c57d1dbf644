"""Tests of the figures of a document: their words, their numbers, and which files may be read for them."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reporters.sample_fixes import BEST_WITH, WARMUP, arm, axis, compared, fresh, tried, verified_arm
from tests.reporters.sample_layers import sick_preflight
from tests.reporters.sample_reports import unhealthy
from tests.reporters.samples import L0
from trainsense.records.evidence import FixesTried
from trainsense.records.report import Recommendation, Report
from trainsense.records.settings import Settings
from trainsense.reporters.charts.shown_fix import shown_fix
from trainsense.reporters.document import Figure
from trainsense.reporters.document.figures import DESCRIPTIONS, figures_of
from trainsense.reporters.document.of_report import document_of_report
from trainsense.reporters.interface import Rendering
from trainsense.reporters.json import report_document
from trainsense.reporters.stages import stage_entries

PNG = b"\x89PNG\r\n\x1a\n"
CLIP = Settings(lr=BEST_WITH, clip_norm=1.7)
FREE_STAGES = ("user_setting", "fixes_tried", "setup")
"""Stages that the schema of a report leaves open."""


def figure(name: str, report: Report) -> Figure:
    """Return one figure of a report that has this plot."""
    return figures_of(replace(report, plots={name: f"plots/{name}.png"}), Rendering())[name]


def rows(name: str, report: Report) -> list[dict[str, str]]:
    """Return the numbers of a figure, by column."""
    numbers = figure(name, report).numbers
    assert numbers is not None
    return [dict(zip(numbers.columns, row, strict=True)) for row in numbers.rows]


def test_the_lr_axis_has_every_learning_rate() -> None:
    """With its seeds, and why it fails."""
    shown = rows("lr-axis", unhealthy())
    assert len(shown) == 11
    assert shown[6] == {"lr": "0.1", "mean loss": "0.335", "loss of each seed": "0.315, 0.335, 0.355", "fails": "no"}
    assert shown[7]["fails"] == "1 of 3: non-finite-loss"
    assert shown[-1] == {
        "lr": "2.15",
        "mean loss": "n/a",
        "loss of each seed": "nan",
        "fails": "1 of 1: non-finite-loss",
    }
    assert "best 0.1 (not told apart from 0.0464 to 0.1)" in figure("lr-axis", unhealthy()).alternative


def test_the_loss_above_the_best_lr_has_every_run() -> None:
    """Infinite peaks included."""
    shown = rows("loss-above-best-lr", unhealthy())
    assert [row["instability"] for row in shown] == ["none", "early", "early"]
    assert shown[2] | {"seed": ""} == {
        "times best lr": "10",
        "lr": "1",
        "seed": "",
        "instability": "early",
        "from step": "28",
        "recovered": "no",
        "highest loss": "inf",
    }


def test_the_gradient_norm_has_its_percentiles_and_the_threshold() -> None:
    """In words, the half and the ninety per cent."""
    shown = {row["gradient norm"]: row["value"] for row in rows("gradient-norm", unhealthy())}
    assert shown["threshold"] == shown["percentile 90"]
    words = figure("gradient-norm", unhealthy()).alternative
    assert "threshold 2.14" in words.lower()
    assert words.startswith("Half of the gradient norms of a stable run lie below")


def test_the_warmup_grid_has_every_cell() -> None:
    """How many seeds train, and the mean loss."""
    shown = rows("warmup-grid", unhealthy())
    assert [(row["peak lr"], row["warmup steps"], row["seeds that train"]) for row in shown][:2] == [
        ("4.64", "10", "0 of 1"),
        ("4.64", "100", "1 of 2"),
    ]
    assert figure("warmup-grid", unhealthy()).alternative.startswith("46 steps are the shortest")


def test_the_layers_have_every_step() -> None:
    """In words, where the gradient is smallest and where it is largest."""
    report = sick_preflight()
    shown = figure("layers", report)
    assert shown.numbers is not None
    assert shown.numbers.columns[:3] == ("layer", "step 0", "step 1")
    assert len(shown.numbers.rows) == len(report.stages["preflight"]["layers"]["weights"])
    assert shown.alternative.startswith("At initialisation")


@pytest.mark.parametrize(
    ("fixes", "recommended"),
    [
        (tried(), None),
        (tried(replace(arm(fix="clip-grad-norm", settings=CLIP), screened_gain=0.6), arm()), None),
        (tried(arm(refused="it clips everything", screened_gain=0.9), arm(settings=CLIP, fix="clip-grad-norm")), None),
        (
            tried(
                verified_arm(),
                replace(verified_arm(), fix="clip-grad-norm", settings=CLIP, against_baseline=compared(L0, 0.5)),
            ),
            None,
        ),
        (
            tried(
                verified_arm(),
                replace(verified_arm(), fix="clip-grad-norm", settings=CLIP, against_baseline=compared(L0, 0.5)),
            ),
            WARMUP,
        ),
        (tried(arm(against_baseline=compared(L0, 0.9), runs=fresh(BEST_WITH, 0.9)), arm(screened_gain=0.1)), None),
        (tried(arm(fix="lower-lr", screened_gain=0.9)), None),
    ],
)
def test_the_fix_in_words_is_the_one_in_the_picture(fixes: FixesTried, recommended: Settings | None) -> None:
    """Both choose alike."""
    sweep = axis()
    drawn = shown_fix(sweep, fixes, recommended)
    advice = None if recommended is None else Recommendation(settings=recommended, fixes=(), why="")
    report = replace(unhealthy(), stages=stage_entries((sweep, fixes)), recommendation=advice)
    told = DESCRIPTIONS["lr-axis-with-fix"](report)
    assert (told is None) == (drawn is None)
    if told is not None and drawn is not None:
        assert told.caption.endswith(f"with {drawn.arm.fix}")
        assert f"lr {drawn.arm.settings.lr:.3g} ends at" in told.alternative


def test_the_axis_with_a_fix_stands_side_by_side() -> None:
    """Every learning rate of either, and what fails."""
    report = replace(unhealthy(), stages=stage_entries((axis(), tried())), recommendation=None)
    shown = {row["lr"]: (row["loss without"], row["loss with"]) for row in rows("lr-axis-with-fix", report)}
    assert shown["0.0464"] == ("fails", "0.68")
    assert shown["0.001"] == ("2.39", "–")
    assert shown["0.215"] == ("–", "fails")
    assert shown["0.01, fresh seeds"] == ("1.43", "–")
    assert shown["0.0464, fresh seeds"] == ("–", "0.71")
    assert shown["0.05, yours, fresh seeds"] == ("2.45", "–")
    assert figure("lr-axis-with-fix", report).alternative == (
        "Without the fix 0.01 is best and training fails from 0.0464. With warmup lr 0.0464 ends at a loss of 0.71 on "
        "5 fresh seeds, that at 1.43."
    )


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Return a run directory with pictures in it, and some beside it."""
    directory = tmp_path / "run"
    (directory / "plots").mkdir(parents=True)
    for file in ("run/plots/lr-axis.png", "run/flat.png", "run/notes.txt", "secret.png"):
        (tmp_path / file).write_bytes(PNG)
    (directory / "fake.png").write_bytes(b"no picture")
    (directory / "link.png").symlink_to(tmp_path / "secret.png")
    os.mkfifo(directory / "pipe.png")
    return directory


def picture(run: Path, name: str, path: str) -> Path | None:
    """Return the file of a figure."""
    shown = figures_of(replace(unhealthy(), plots={name: path}), Rendering(directory=run)).get(name)
    return None if shown is None else shown.file


@pytest.mark.parametrize(
    ("name", "path", "file"),
    [
        ("lr-axis", "plots/lr-axis.png", "plots/lr-axis.png"),
        ("flat", "plots/flat.png", "flat.png"),  # as sample runs were laid out
        ("flat", "./plots/flat.png", "flat.png"),
    ],
)
def test_a_picture_of_the_run_is_found(run: Path, name: str, path: str, file: str) -> None:
    """Where the report says, or flat beside it."""
    assert picture(run, name, path) == run / file


@pytest.mark.parametrize(
    "path",
    [
        "../secret.png",
        "plots/../../secret.png",
        "plots/../flat.png",
        "..\\secret.png",
        "C:\\secret.png",
        "C:secret.png",
        "link.png",
        "fake.png",
        "pipe.png",
        "notes.txt",
        "plots",
        "",
        "x\x00.png",
        "\ud800.png",
        "a" * 5_000 + ".png",
    ],
)
def test_no_other_file_is_read(run: Path, path: str) -> None:
    """A report of a stranger's names what it likes."""
    assert picture(run, "lr-axis", path) is None
    assert picture(run, "lr-axis", str(run / "flat.png")) is None
    assert picture(run, "../secret", "plots/none.png") is None


def test_an_unknown_plot_is_a_plain_figure(run: Path) -> None:
    """A later version may have drawn it; what is no picture is no figure."""
    report = replace(unhealthy(), plots={"flat": "flat.png", "gone": "gone.png", "trials": "tables/trials.csv"})
    shown = figures_of(report, Rendering(directory=run))
    assert list(shown) == ["flat"]
    assert (shown["flat"].caption, shown["flat"].numbers) == ("flat", None)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["nan", "inf", "x"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["arms", "lr", "fix"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=60)
@given(st.data())
def test_stages_that_no_schema_holds_may_hold_anything(data: st.DataObject) -> None:
    """A part of what was measured, replaced by whatever it may be: the document is made all the same."""
    report = unhealthy()
    stages = {name: dict(stage) for name, stage in report.stages.items()}
    stage = stages[data.draw(st.sampled_from(FREE_STAGES))]
    entry = _part_of(stage, data)
    entry[data.draw(st.sampled_from(sorted(entry)))] = data.draw(values)
    sick = replace(report, stages=stages, plots=dict.fromkeys(DESCRIPTIONS, "plots/x.png"))
    assert document_of_report(sick, Rendering()).verdict == "unhealthy"


def _part_of(stage: dict[str, Any], data: st.DataObject) -> dict[str, Any]:
    """Return the stage, or a copy of one of its arms, put in place."""
    if "arms" not in stage or data.draw(st.booleans()):
        return stage
    first = dict(stage["arms"][0])
    stage["arms"] = [first, *stage["arms"][1:]]
    return first


@pytest.mark.parametrize("stage", ["sweep_lr", "check_instability", "pick_clip", "sweep_warmup"])
def test_what_the_contract_asks_for_is_enough(stage: str) -> None:
    """Optional keys may be missing, as in the contract's example; figures may be null."""
    bare = _bare_stages()
    report = replace(unhealthy(), stages={stage: bare[stage]}, plots=dict.fromkeys(DESCRIPTIONS, "plots/x.png"))
    report_document(report)
    assert document_of_report(report, Rendering()).blocks


def _bare_stages() -> Mapping[str, Mapping[str, Any]]:
    trial = {"lr": 0.1, "seed": 0, "loss": None, "feasible": True, "reason": None, "stopped_at": None}
    unknown = dict.fromkeys(("best_lr", "best_range", "edge_lr", "unstable_lr", "lr_sensitivity"))
    event = {"factor": 2, "lr": 0.2, "kind": "mid", "recovered": None, "onset_step": None, "peak": None}
    warmup = {"lr": "nan", "warmup_steps": 10, "feasible": False, "loss": "inf"}
    return json.loads(  # type: ignore[no-any-return]
        json.dumps(
            {
                "sweep_lr": {**unknown, "horizon": 300, "trials": [trial, {**trial, "feasible": False}]},
                "check_instability": {"runs": [event]},
                "pick_clip": {
                    "clip_norm": None,
                    "percentile": None,
                    "clipped_fraction": None,
                    "percentiles": {"90": None},
                },
                "sweep_warmup": {"lr": None, "warmup_steps": None, "trials": [warmup]},
            }
        )
    )
