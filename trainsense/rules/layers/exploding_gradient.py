"""Gradients grow from layer to layer on their way back, or from time step to time step.

## What it checks
The gradient of each weight, divided by the size of what the layer reads: that is how large the gradient is that arrives at
the layer's output. It is followed along the longest way through the model's layers, from the last to the first, at
initialisation and after a short warm start; in recurrent layers from the last time step to the first.

## How it is decided
It is a matter of growth, not of size: large targets make the gradient of a squared error large everywhere, and no layer to
blame. First layer over last above 1e4, at initialisation and, where the warm start leaves something to look at, after it:
a warning; an error if the warm start diverges or is no better than a constant prediction. Layers whose output is
normalised are left out: there the gradient is as large as the weight is small, whatever the depth.
Through time: gradient at the first step over that at the last above 1e4 at either look, and above ten times the gradient of
the model's output: a warning, or an error as above.

## Measured
Named 1 of its 2 faults and 0 of 2 that another rule may name as well.
An error or a warning on 0 of 96 sound workloads, and beside 0 of 73 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Initialise so that each layer keeps the scale (residual branches at zero), normalise between layers, and clip the gradient
norm: in recurrent networks that is the customary remedy.

## References
PROTOCOL 8; Pascanu, Mikolov and Bengio 2013; He et al. 2015; Zhang, Dauphin and Ma 2019 (residual branches).
"""

import math
from typing import Final

from trainsense.records.evidence import LayerReading, LayerSnapshot, LayerStatistics, WarmStart
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed
from trainsense.rules.first_steps import first_steps, place

RULE = "exploding-gradient"
EXPLODED: Final = 1e4
"""Smallest growth from the last layer to the first, or from the last time step to the first (PROTOCOL 8, mirrored)."""
FEWEST_LAYERS: Final = 4
"""Fewer layers cannot tell growth from two that differ (PROTOCOL 8)."""

ARRIVES_LARGE: Final = 10.0
"""Through time the gradient must also be so many times the one at the model's output: a layer that is read backwards gets its
gradient at its first step and next to none at its last, which is no growth (measured: bidirectional layers 0.1 to 0.3)."""


def judge(layers: LayerStatistics, warm: WarmStart | None) -> Judgement:
    """Judge the growth of the gradient along depth and through time."""
    if not layers.first.layers:
        return NotAssessed(rule=RULE, reason="autograd shows no weight that is applied to data")
    looks = [one for one in (layers.first, layers.warmed) if one is not None]
    fails = first_steps(warm, layers) == "fail"
    through_time = [one for look in looks for one in look.layers if _explodes_in_time(one, look.output_gradient)]
    if through_time:
        return _in_time(max(through_time, key=lambda one: one.time_ratio or 0.0), fails=fails)
    growths = [_growth(look) for look in looks]
    if all(growth is not None and growth[0] > EXPLODED for growth in growths) and growths[0] is not None:
        return _in_depth(*growths[0], fails=fails)
    return Passed(rule=RULE, text="gradients keep their scale on their way back")


def arriving(layer: LayerReading) -> float | None:
    """Return the gradient that arrives at a layer's output, up to a factor: its weight's over the size of what it reads."""
    if layer.gradient_norm is None or not layer.input_rms:
        return None
    return layer.gradient_norm / layer.input_rms


def _explodes_in_time(layer: LayerReading, output_gradient: float | None) -> bool:
    grows = (layer.time_ratio or 0.0) > EXPLODED
    return grows and (not output_gradient or (layer.time_gradient or 0.0) > ARRIVES_LARGE * output_gradient)


def _growth(look: LayerSnapshot) -> tuple[float, LayerReading, LayerReading] | None:
    chain = [one for one in look.chain if not one.normed and math.isfinite(arriving(one) or math.nan)]
    if len(chain) < FEWEST_LAYERS:
        return None
    last = chain[-1]
    first = max(chain[: len(chain) // 2], key=lambda one: arriving(one) or 0.0)
    return (arriving(first) or 0.0) / (arriving(last) or 1.0), first, last


def _harm(*, fails: bool) -> str:
    return "The first steps diverged or learnt nothing." if fails else "The first steps went through all the same."


def _in_depth(growth: float, first: LayerReading, last: LayerReading, *, fails: bool) -> Finding:
    return Finding(
        rule=RULE,
        severity="error" if fails else "warning",
        title=f"Gradients explode: {growth:.0e} times as large at {first.parameter} as at {last.parameter}",
        detail=f"Between {last.parameter} and {first.parameter} each layer makes the gradient larger on its way back, by a factor "
        f"of {growth:.1e} in all, so that no learning rate suits both ends. {_harm(fails=fails)} Initialise residual branches at "
        "zero or all weights so that they keep the scale, normalise between layers, or clip the gradient norm.",
        evidence={
            "growth": growth,
            "first_gradient_norm": first.gradient_norm,
            "last_gradient_norm": last.gradient_norm,
            "first_module": first.parameter,
            "last_module": last.parameter,
        },
        fixes=("zero-init-residual", "reinitialize", "add-normalization", "clip-grad-norm"),
        locations=(place(first),),
    )


def _in_time(layer: LayerReading, *, fails: bool) -> Finding:
    name = layer.parameter
    return Finding(
        rule=RULE,
        severity="error" if fails else "warning",
        title=f"Gradients explode through time: {layer.time_ratio:.0e} times as large at the first step of {name} as at the last",
        detail=f"Each time step of {name} makes the gradient larger on its way back, {layer.time_ratio:.1e} times over the whole "
        f"sequence: one unlucky batch throws the weights away. {_harm(fails=fails)} Clip the gradient norm, and start the recurrent "
        "weights orthogonal or smaller.",
        evidence={"first_over_last_time_step": layer.time_ratio, "gradient_norm": layer.gradient_norm},
        fixes=("clip-grad-norm", "reinitialize"),
        locations=(place(layer),),
    )
