"""Tests of the `preflight` entry of a report's stages."""

import json
from dataclasses import fields, replace

from tests.reporters.sample_layers import layer_statistics, warm_start, without_figures
from trainsense.records.evidence import LayerReading, Missing
from trainsense.reporters.preflight_stage import PARTS
from trainsense.reporters.stages import stage_entries

NAMES = ["embedding", "blocks.0.fc", "head"]


def test_every_weight_stands_once_with_its_readings() -> None:
    """By depth; what does not change from step to step is said once."""
    entry = stage_entries([warm_start(), layer_statistics(NAMES)])["preflight"]
    assert list(entry) == ["warm_start", "layers"]
    layers = entry["layers"]
    assert [weight["module"] for weight in layers["weights"]] == NAMES
    assert [snapshot["step"] for snapshot in layers["snapshots"]] == [0, 1, 2, 5, 10, 20, 30]
    weight = layers["weights"][2]
    assert {key: weight[key] for key in ("parameter", "kind", "depth", "size", "activation")} == {
        "parameter": "head.weight",
        "kind": "linear",
        "depth": 2,
        "size": 4096,
        "activation": "Relu",
    }
    assert [reading["step"] for reading in weight["readings"]] == [0, 1, 2, 5, 10, 20, 30]
    assert weight["readings"][0]["relative_gradient"] == 0.03
    assert weight["readings"][0]["update_ratio"] is None


def test_every_figure_of_a_reading_has_its_key() -> None:
    """What is added to the record has to be written here too."""
    weight = stage_entries([layer_statistics(NAMES)])["preflight"]["layers"]["weights"][0]
    assert {field.name for field in fields(LayerReading)} <= set(weight) | set(weight["readings"][0])


def test_a_loss_that_was_not_measured_is_null() -> None:
    """Between the looks with several batches there is none."""
    layers = layer_statistics(NAMES)
    partial = replace(layers.snapshots[1], full=False, loss=float("nan"))
    entry = stage_entries([replace(layers, snapshots=(layers.snapshots[0], partial))])["preflight"]["layers"]
    assert [snapshot["loss"] for snapshot in entry["snapshots"]] == [2.3, None]


def test_a_layer_that_is_not_always_there() -> None:
    """It has the readings of the steps at which it ran."""
    layers = layer_statistics(NAMES)
    first = replace(layers.snapshots[0], layers=layers.snapshots[0].layers[:2])
    late = replace(layers, snapshots=(first, *layers.snapshots[1:]))
    weights = stage_entries([late])["preflight"]["layers"]["weights"]
    assert [len(weight["readings"]) for weight in weights] == [7, 7, 6]


def test_the_entry_is_json_ready() -> None:
    """NaN and infinite figures are words."""
    entries = stage_entries([without_figures(layer_statistics(NAMES))])
    assert json.loads(json.dumps(entries, allow_nan=False)) == entries
    assert entries["preflight"]["layers"]["weights"][0]["readings"][0]["relative_gradient"] == "nan"


def test_what_is_missing_says_why() -> None:
    """Under the key at which it would stand; a kind without one under its own name."""
    missing = [Missing(kind="LayerStatistics", reason="it raised"), Missing(kind="Unheard", reason="unknown")]
    entry = stage_entries(missing)["preflight"]
    assert entry == {"missing": {"layers": "it raised", "Unheard": "unknown"}}


def test_a_warm_start_that_failed() -> None:
    """An empty reason is null."""
    entries = stage_entries([replace(warm_start(), failed="the loss became NaN", loss=float("nan"))])
    assert entries["preflight"]["warm_start"]["failed"] == "the loss became NaN"
    assert entries["preflight"]["warm_start"]["loss"] == "nan"
    assert stage_entries([warm_start()])["preflight"]["warm_start"]["failed"] is None


def test_each_part_has_its_own_key() -> None:
    """And none the key of what is missing."""
    keys = [part.key for part in PARTS]
    assert len({*keys, "missing"}) == len(keys) + 1
