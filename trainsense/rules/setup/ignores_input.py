"""The outputs do not depend on the inputs.

## What it checks
The model after its warm start, in evaluation mode, on training batches: what enters its outermost call is exchanged (rows
permuted, values mixed among the rows, another batch's inputs), random numbers kept the same, and the outputs are compared.

## How it is decided
An error if no exchange moves any output by more than 1e-6 of the outputs' size, and the gradient of the outputs with respect
to floating-point inputs is zero. Layers that are dead, or whose signal vanishes, have rules of their own; this one says then
that they explain it. Not assessed where the loss does not call the model itself, where the model is given no tensor or gives
back a loss alone, or where all examples of a batch are the same.

## Measured
Named 3 of its 3 faults.
An error or a warning on 0 of 96 sound workloads, and beside 2 of 74 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Follow one input through `forward`: is it overwritten, replaced by a buffer or by noise, multiplied by zero, cut off by a wrong
index, or left out of what is returned?

## References
PROTOCOL 0, trivial predictor. Float32 resolves 6e-8; over sums of a few hundred terms outputs repeat to about 1e-7.
"""

from typing import Final

from trainsense.records.evidence import InputDependence, LayerStatistics
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed

RULE = "ignores-input"
FLOAT_NOISE: Final = 1e-6
"""Relative change of outputs that other rows in a matrix product can make in float32 without any meaning."""
VANISHED: Final = 1e-4
"""PROTOCOL 8: gradient of the first layer over that of the last, both relative to their weights, from which it vanishes."""


def judge(dependence: InputDependence, layers: LayerStatistics | None) -> Judgement:
    """Judge how far the outputs moved."""
    if dependence.unseen:
        return NotAssessed(rule=RULE, reason=dependence.unseen)
    if dependence.largest_change > FLOAT_NOISE or dependence.input_gradient:
        return Passed(
            rule=RULE, text=f"exchanged inputs change the outputs by {dependence.largest_change:.2g} of their size"
        )
    explained = _explained(layers)
    if explained:
        return NotAssessed(rule=RULE, reason=explained)
    gradient = "" if dependence.input_gradient is None else ", and their gradient with respect to the inputs is zero"
    return Finding(
        rule=RULE,
        severity="error",
        title="The model's outputs do not depend on its inputs",
        detail=f"Exchanging what enters the model in {dependence.exchanges} ways over {dependence.batches} batches changed no output by "
        f"more than {dependence.largest_change:.1g} of the outputs' size{gradient}. Whatever it learns is the same for every input. "
        "Follow one input through forward: is it overwritten, replaced by a buffer or by noise, multiplied by zero, cut off by a "
        "wrong index, or left out of what is returned?",
        evidence={
            "largest_relative_change": dependence.largest_change,
            "input_gradient": dependence.input_gradient,
            "exchanges": dependence.exchanges,
        },
    )


def _explained(layers: LayerStatistics | None) -> str:
    """Return what else the measured layers show that keeps inputs from coming through; empty if nothing."""
    if layers is None or not layers.snapshots:
        return ""
    last = layers.snapshots[-1].layers
    dead = next((one for one in last if one.dead == 1.0), None)
    if dead is not None:
        return f"all units behind {dead.module or dead.parameter} are dead, which keeps the inputs from the outputs"
    relative = [one.relative_gradient for one in last if one.relative_gradient is not None]
    if len(relative) > 1 and 0.0 < relative[0] < VANISHED * relative[-1]:
        return f"the signal vanishes on its way: the first layer's relative gradient is {relative[0] / relative[-1]:.1g} of the last's"
    return ""
