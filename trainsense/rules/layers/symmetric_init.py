"""Units of a layer start out the same and get the same gradient, so that they stay the same: the layer has one unit.

## What it checks
For each layer but the last, the share of units whose weights equal those of another unit and whose gradients do too, at
initialisation and after a short warm start.

## How it is decided
More than half of a layer's units at both looks: an error. Equal weights alone are no fault: the zeros of an output layer, of
a residual branch's end or of a low-rank adapter get different gradients. Output layers are left out, whose units the
targets tell apart.

## Measured
Named 3 of its 3 faults.
An error or a warning on 0 of 96 sound workloads, and beside 0 of 74 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Random initial weights: the framework's default will do. Biases may all start at zero.

## References
PROTOCOL 8; Rumelhart, Hinton and Williams 1986, who named symmetry breaking; Goodfellow, Bengio and Courville 2016, 8.4.
"""

from typing import Final

from trainsense.records.evidence import LayerReading, LayerStatistics
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed
from trainsense.rules.first_steps import place

RULE = "symmetric-init"
MOST_IDENTICAL: Final = 0.5
"""Share above which it is a fault (measured: 1 with constant weights, 0 with random ones)."""


def judge(layers: LayerStatistics) -> Judgement:
    """Judge the identical shares at both looks."""
    warmed = {one.parameter: one for one in layers.warmed.layers} if layers.warmed else {}
    known = [one for one in layers.first.layers if one.identical is not None and not one.last]
    if not known and not any(one.last for one in layers.first.layers):
        return NotAssessed(rule=RULE, reason="no weight and gradient of a layer could be looked at")
    found = [one for one in known if _lasting(one, warmed.get(one.parameter, one)) > MOST_IDENTICAL]
    return _finding(found, layers) if found else Passed(rule=RULE, text="no two units of a layer are the same")


def _lasting(first: LayerReading, later: LayerReading) -> float:
    return min(first.identical or 0.0, later.identical or 0.0)


def _finding(found: list[LayerReading], layers: LayerStatistics) -> Finding:
    found = sorted(found, key=lambda one: one.identical or 0.0, reverse=True)
    worst = found[0]
    steps = layers.warmed.step if layers.warmed else 0
    return Finding(
        rule=RULE,
        severity="error",
        title=f"{worst.identical:.0%} of the {worst.units} units behind {worst.parameter} are copies of each other",
        detail=f"Their weights are the same, and so are their gradients, at initialisation and after {steps} steps: they compute the same "
        "thing and will go on doing so, however long the training. Draw the initial weights at random.",
        evidence={"identical": {one.parameter: one.identical for one in found}, "steps": steps},
        fixes=("reinitialize",),
        locations=tuple(place(one) for one in found[:5]),
    )
