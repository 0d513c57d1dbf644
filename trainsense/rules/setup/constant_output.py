"""What the loss sees is the same for every example, whatever the parameters.

## What it checks
The operations between the model's layers and the loss: softmax and log-softmax over an axis of one, cross-entropy over a
single logit, layer or group normalisation over a single value, sign, round and other steps, clamps that every value lies
beyond. And the outputs themselves, with the gradient that reaches the parameters.

## How it is decided
An error if the loss depends on the batch through such operations alone; if a cross-entropy is taken over a single logit; or if
the outputs are the same for all examples, fresh and after a warm start, the inputs are not, and no parameter gets any gradient.
A warning if a softmax is taken over the one unit of a layer, its weights being 1 whatever the layer says, while the loss sees
the batch by other ways.
A head that is initialised at zero gives constant outputs and gets a gradient: no finding. Nor are attention over one position,
straight-through estimators (their gradient goes around the step), or dead layers, which have a rule of their own.

## Measured
Named 2 of its 2 faults.
An error or a warning on 0 of 96 sound workloads, and beside 1 of 75 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
One unit says yes or no by a sigmoid and binary cross-entropy (`BCEWithLogitsLoss`); a softmax needs one unit per class.
Do not normalise a single value; leave rounding and thresholds to the metrics.

## References
softmax over one value is exp(x) / exp(x) = 1, with gradient 0.
"""

from typing import Final

from trainsense.records.evidence import ConstantOutput, FlatOperation, LayerStatistics
from trainsense.records.finding import Finding, Judgement, Passed, Severity

RULE = "constant-output"
FLOAT_NOISE: Final = 1e-6
"""Relative differences and gradients that float32 makes of nothing; it resolves 6e-8."""


def judge(output: ConstantOutput, layers: LayerStatistics | None) -> Judgement:
    """Judge what lets nothing through, and what comes out."""
    single = [one for one in output.operations if one.flattening == "cross-entropy-over-one"]
    if output.operations and (output.blocked or single):
        return _finding(output, single or list(output.operations), "error")
    weights = [one for one in output.operations if one.flattening == "softmax-over-one" and one.of_units]
    if weights:
        return _finding(output, weights, "warning")
    constant = output.output_spread is not None and output.output_spread < FLOAT_NOISE
    if constant and output.inputs_differ and output.gradient_norm < FLOAT_NOISE and not _is_dead(layers):
        return Finding(
            rule=RULE,
            severity="error",
            title="The outputs are the same for every example, and no parameter gets a gradient",
            detail=f"On {output.batches} batches of differing inputs the outputs differ by {output.output_spread:.1g} of their size, and "
            f"the gradient over all parameters has norm {output.gradient_norm:.1g}: nothing can change that by training. "
            "A normalisation over a single value does this, or a function that is constant where the outputs lie.",
            evidence={"output_spread": output.output_spread, "gradient_norm": output.gradient_norm},
            fixes=("remove-softmax",),
        )
    return Passed(rule=RULE, text="the loss sees differences between the examples")


def _is_dead(layers: LayerStatistics | None) -> bool:
    return layers is not None and any(one.dead == 1.0 for shot in layers.snapshots for one in shot.layers)


def _finding(output: ConstantOutput, operations: list[FlatOperation], severity: Severity) -> Finding:
    first = operations[0]
    where = f" ({first.location.module})" if first.location.module else ""
    what, why = _TOLD[first.flattening]
    return Finding(
        rule=RULE,
        severity=severity,
        title=f"{what}{where}: the result is the same for every example",
        detail=f"Its result has shape {list(first.shape)}. {why}",
        evidence={
            "operation": first.kind,
            "shape": list(first.shape),
            "gradient_norm": output.gradient_norm,
            "output_spread": output.output_spread,
            "everything_blocked": output.blocked,
        },
        fixes=("remove-softmax",) if "one" in first.flattening and "softmax" in first.flattening else (),
        locations=tuple(one.location for one in operations),
    )


_TOLD: Final = {
    "softmax-over-one": (
        "A softmax is taken over an axis of one",
        (
            "exp(x) / exp(x) is 1 whatever x is, and its gradient is 0: nothing before it can learn. For yes or no from one unit use a "
            "sigmoid with binary cross-entropy; for classes, one unit each; or normalise along the axis that was meant."
        ),
    ),
    "cross-entropy-over-one": (
        "The cross-entropy is taken over a single logit",
        (
            "With one class its probability is 1 whatever the logit is: the loss is 0 and so is every gradient. For yes or no from one "
            "unit use BCEWithLogitsLoss with targets as floats; for classes, one unit each."
        ),
    ),
    "normalised-over-one": (
        "A normalisation is taken over a single value",
        "A value minus its own mean is 0 whatever it was: nothing before it can learn. Leave it out, or normalise over more.",
    ),
    "step-function": (
        "A step function (sign, round, floor) stands before the loss",
        (
            "Its gradient is 0 wherever it has one: nothing before it can learn. Leave it to the metrics, or use a smooth function or a "
            "straight-through estimator in its place."
        ),
    ),
    "clamped": (
        "Every value lies beyond a clamp's limits before the loss",
        "Beyond its limits the gradient is 0: nothing before it can learn. Widen the limits, or scale what comes in.",
    ),
}
