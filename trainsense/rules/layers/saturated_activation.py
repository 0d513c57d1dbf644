"""Sigmoid or tanh units sit at their limits, where they pass no gradient.

## What it checks
For each layer that runs into a hidden sigmoid or tanh, the share of unit-example pairs within 5 % of the limits, at
initialisation and after a short warm start. Gates, attention and the model's own outputs are left out: those may well sit
at their limits.

## How it is decided
More than half of the pairs at both looks: a warning; an error if the loss is no better than a constant prediction's after
the warm start. Saturation that only the training brings about is no fault of the start.

## Measured
Named 2 of its 2 faults.
An error or a warning on 0 of 96 sound workloads, and beside 0 of 75 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Xavier initialisation, inputs of unit scale, normalisation before the activation, or a ReLU-like activation.

## References
PROTOCOL 8; Glorot and Bengio 2010.
"""

from typing import Final

from trainsense.records.evidence import LayerReading, LayerStatistics, WarmStart
from trainsense.records.finding import Finding, Judgement, Passed
from trainsense.rules.first_steps import first_steps, place

RULE = "saturated-activation"
MOST_SATURATED: Final = 0.5
"""Share above which it is a fault (PROTOCOL 8; measured: weights N(0,1) 0.82, Xavier 0.06)."""


def judge(layers: LayerStatistics, warm: WarmStart | None) -> Judgement:
    """Judge the saturated shares at both looks."""
    warmed = {one.parameter: one for one in layers.warmed.layers} if layers.warmed else {}
    pairs = [(one, warmed.get(one.parameter, one)) for one in layers.first.layers]
    shares = {
        one.parameter: (min(one.saturated, later.saturated), one)
        for one, later in pairs
        if one.saturated is not None and later.saturated is not None
    }
    found = sorted((pair for pair in shares.values() if pair[0] > MOST_SATURATED), key=lambda pair: -pair[0])
    if not found:
        return Passed(rule=RULE, text="no hidden sigmoid or tanh sits at its limits")
    return _finding([one for _, one in found], [share for share, _ in found], fails=first_steps(warm, layers) == "fail")


def _finding(found: list[LayerReading], shares: list[float], *, fails: bool) -> Finding:
    worst, share = found[0], shares[0]
    return Finding(
        rule=RULE,
        severity="error" if fails else "warning",
        title=f"{share:.0%} of the {worst.activation.lower()} outputs behind {worst.parameter} are saturated",
        detail=f"They lie within 5 % of the activation's limits, where its slope is next to nothing, at initialisation and after the "
        f"first steps: the layer gives {_size(worst.output_rms)} where the activation bends at about 1, and hardly any gradient passes. "
        + ("The first steps learnt nothing. " if fails else "")
        + "Use Xavier initialisation, inputs of unit scale, or normalisation before the activation.",
        evidence={
            "saturated": {one.parameter: share for one, share in zip(found, shares, strict=True)},
            "output_rms": {one.parameter: one.output_rms for one in found},
            "input_rms": {one.parameter: one.input_rms for one in found},
        },
        fixes=("reinitialize", "normalize-inputs", "add-normalization", "replace-activation"),
        locations=tuple(place(one) for one in found[:5]),
    )


def _size(rms: float | None) -> str:
    return "values too large" if rms is None else f"values of {rms:.2g} (root mean square)"
