"""Tests of the stages of a report."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.reporters.samples import clip, diverged, evidence, trained, warmup
from trainsense.records.evidence import FixesTried
from trainsense.records.run import Run
from trainsense.records.trace import empty_trace
from trainsense.reporters.stages import stage_entries
from trainsense.reporters.trial_loss import trial_loss

ENTRIES: dict[str, dict[str, Any]] = stage_entries(evidence())


def test_every_entry_is_json_ready() -> None:
    """No numpy, no NaN."""
    assert json.loads(json.dumps(ENTRIES, allow_nan=False)) == ENTRIES


def test_a_trial_of_the_sweep() -> None:
    """A good one and one that diverged."""
    trials = ENTRIES["sweep_lr"]["trials"]
    assert trials[0].items() >= {"lr": 0.001, "seed": 0, "loss": 2.3, "feasible": True, "reason": None}.items()
    assert (trials[0]["stopped_at"], trials[0]["dropped"]) == (None, False)
    last = trials[-1]
    assert (last["loss"], last["feasible"], last["reason"], last["stopped_at"]) == ("nan", False, "non-finite-loss", 40)


def test_runs_above_the_best() -> None:
    """Without an event the peak is the highest probe loss, and recovery is no question."""
    calm, bump, burst = ENTRIES["check_instability"]["runs"]
    assert (calm["factor"], calm["kind"], calm["recovered"], calm["onset_step"]) == (2, "none", None, None)
    assert isinstance(calm["factor"], int)
    assert calm["peak"] == pytest.approx(2.45)
    assert (bump["kind"], bump["recovered"], bump["onset_step"], bump["peak"]) == ("early", True, 14, 4.6)
    assert burst["peak"] == "inf"


def test_clip_and_warmup() -> None:
    """Percentiles carry their number as a string; one trial per seed of a warmup."""
    entry = ENTRIES["pick_clip"]
    assert entry["percentiles"]["90"] == entry["clip_norm"]
    assert {"over", "refused", "attempts"} <= set(entry)
    assert len(ENTRIES["sweep_warmup"]["trials"]) == sum(len(attempt.runs) for attempt in warmup().attempts)
    refused = stage_entries([replace(clip(), percentiles=None, clip_norm=None, refused="too short")])["pick_clip"]
    assert (refused["percentiles"], refused["clip_norm"], refused["refused"]) == (None, None, "too short")


def test_the_fixes_tried() -> None:
    """Per arm its settings, every learning rate screened and both comparisons; what could not be applied, and why."""
    entry = ENTRIES["fixes_tried"]
    warm, edited = entry["arms"]
    assert warm["screened"] == [
        {"lr": 0.464, "loss": 0.33, "infeasible": None},
        {"lr": 1.47, "loss": 0.3, "infeasible": None},
        {"lr": 2.15, "loss": "nan", "infeasible": "non-finite-loss"},
    ]
    assert (warm["screened_loss"], warm["screened_gain"], warm["losses"]) == (0.3, 0.03, [0.3])
    assert warm["against_lower_lr"]["status"] == "verified"
    assert (warm["prepended"]["steps"], warm["prepended"]["crossed"]) == (346, True)
    assert warm["prepended"]["against_baseline"]["pairs"] == 5
    assert warm["refused"] is None
    assert edited["settings"] == {
        "lr": 0.1,
        "warmup_steps": 0,
        "clip_norm": None,
        "optimizer": "AdamW",
        "edits": ["zero-init-residual", "normalize-inputs"],
    }
    assert (edited["screened"], edited["screened_loss"], edited["prepended"]) == ([], None, None)
    assert edited["refused"] == "it clips 80% of the updates"
    advice = "Put the norm in front of each residual branch."
    assert entry["untested"] == [{"edit": "pre-norm", "reason": "No residual block was found.", "advice": advice}]
    assert (entry["yardstick"]["best_lr"], entry["yardstick"]["loss_drop"]) == (0.1, 1.99)
    assert (entry["control_losses"], entry["baseline_losses"]) == ([0.74], ["nan"])
    tried = next(piece for piece in evidence() if isinstance(piece, FixesTried))
    bare = stage_entries([replace(tried, yardstick=None, untested=())])["fixes_tried"]
    assert (bare["yardstick"], bare["untested"]) == (None, [])


def test_nothing_gives_nothing() -> None:
    """A stage that did not run is absent."""
    assert stage_entries([]) == {}


def test_the_loss_of_a_trial() -> None:
    """The score, else the mean of the last losses, else nothing."""
    run = trained(0.1, 0.3)
    assert trial_loss(run) == run.score
    unscored = replace(run, score=None)
    assert trial_loss(unscored) == pytest.approx(np.mean(run.trace.loss[-30:]))
    loss = trial_loss(diverged(1.0))
    assert loss is not None
    assert math.isnan(loss)
    assert trial_loss(Run(trial=run.trial, trace=empty_trace(), outcome=diverged(1.0).outcome)) is None
