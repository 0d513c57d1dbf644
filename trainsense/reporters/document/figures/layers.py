"""The layers by depth: how large the gradient of each is for its weight, from step to step."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from trainsense.records.report import Report
from trainsense.reporters.document.blocks import Table
from trainsense.reporters.document.figures.description import Description
from trainsense.reporters.layer_names import findings_by_layer, shown_names
from trainsense.reporters.numbers import as_number
from trainsense.reporters.sections.layer_columns import magnitude_text
from trainsense.reporters.sections.layers import chosen_rows, layers_of, names_of
from trainsense.reporters.shortening import shortened_path

MOST_LAYERS: Final = 100
"""Rows of a table; of more layers, those that a finding names and both ends."""
MOST_NAME: Final = 60
"""Columns of a layer's name at most."""


def layers(report: Report) -> Description | None:
    """Describe the map of the layers; None where none was looked at."""
    seen = layers_of(report)
    if seen is None:
        return None
    names = [shortened_path(name, MOST_NAME) for name in shown_names(names_of(seen))]
    rows = shown_layers(report, seen)
    steps = [snapshot["step"] for snapshot in seen["snapshots"]]
    left_out = len(names) - len(rows)
    return Description(
        caption="Gradient norm over weight norm of each layer, by depth and step",
        alternative=_alternative(seen, names),
        numbers=Table(
            columns=("layer", *(f"step {step}" for step in steps), "last update"),
            rows=tuple((names[row], *_cells(seen["weights"][row]["readings"], steps)) for row in rows),
            numeric=(False, *[True] * (len(steps) + 1)),
            caption="Gradient norm over weight norm; last, the norm of a step's change over the weight's norm."
            + (f" {left_out} of {len(names)} layers are left out." if left_out else ""),
        ),
    )


def shown_layers(report: Report, seen: Mapping[str, Any]) -> list[int]:
    """Return which layers a table has room for, ascending."""
    names = names_of(seen)
    return chosen_rows(len(names), list(findings_by_layer(report.findings, names)), MOST_LAYERS)


def _alternative(seen: Mapping[str, Any], names: Sequence[str]) -> str:
    count = "1 layer" if len(names) == 1 else f"{len(names)} layers"
    at_first = (as_number(weight["readings"][0]["relative_gradient"]) for weight in seen["weights"])
    known = [
        (value, name) for value, name in zip(at_first, names, strict=True) if value is not None and math.isfinite(value)
    ]
    if not known:
        return f"{count}; no gradient at initialisation whose size could be compared with its weight."
    (low, lowest), (high, highest) = min(known), max(known)
    return (
        f"At initialisation the gradient norm over the weight norm of {count} lies between {magnitude_text(low)} "
        f"({lowest}) and {magnitude_text(high)} ({highest})."
    )


def _cells(readings: Sequence[Mapping[str, Any]], steps: Sequence[int]) -> list[str]:
    gradients = {reading["step"]: reading["relative_gradient"] for reading in readings}
    updates = [reading["update_ratio"] for reading in readings if reading["update_ratio"] is not None]
    return [*(magnitude_text(gradients.get(step)) for step in steps), magnitude_text(updates[-1] if updates else None)]
