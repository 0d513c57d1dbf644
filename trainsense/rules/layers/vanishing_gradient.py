"""Gradients shrink from layer to layer on their way back, so that the first layers hardly learn.

## What it checks
The gradient norm of each weight over the weight's own norm, along the longest way through the model's layers, averaged
over several batches, at initialisation and again after a short warm start.

## How it is decided
First layer over last below 1e-4 at both looks, falling steadily: the order of depth must be the order of the gradients by
and large, and the ratio must stay small without the largest single step (a head that starts small is one step, no fall).
At least four layers; embeddings and weights that start at zero are left out. A warning; an error if the loss is no lower
than a constant prediction's after the warm start. There, a ratio below 1e-3 is a warning already.
A gradient that fades through time in a recurrent layer, below 1e-8 from the last time step to the first at both looks, counts only where
the first steps learnt nothing: a warning where each step squashes what the last one left (a plain tanh or ReLU recurrence),
a note where gates may open: LSTM and GRU forget when they are new, and most learn it off.

## Measured
Named 2 of its 3 faults and 2 of 4 that another rule may name as well.
An error or a warning on 0 of 96 sound workloads, and beside 0 of 70 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
ReLU-like activations in place of sigmoid or tanh, normalisation between layers, residual connections, an initialisation
that fits the activation. A larger learning rate does not help: the last layers would diverge before the first ones move.

## References
PROTOCOL 8; Glorot and Bengio 2010; Hochreiter 1991; Bengio, Simard and Frasconi 1994.
"""

import math
from typing import Final

from trainsense.measure.depth import Fall, along_depth
from trainsense.records.evidence import LayerReading, LayerSnapshot, LayerStatistics, WarmStart
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed
from trainsense.rules.first_steps import first_steps, place

RULE = "vanishing-gradient"
VANISHED: Final = 1e-4
"""Largest ratio of first to last (PROTOCOL 8; measured: sigmoid networks of 6 to 10 layers 7e-5 to 1e-6, sound ones 8e-3 up)."""
VANISHING: Final = 1e-3
"""The same where nothing is learnt in the warm start (measured: 5 sigmoid layers 4e-4, at the label entropy)."""
FEWEST_LAYERS: Final = 4
"""Fewer layers cannot tell a fall from two that differ (PROTOCOL 8)."""
LEAST_ORDER: Final = 0.8
"""Rank correlation of depth and gradient below which the fall is not steady (measured: sigmoid networks 0.9 to 1)."""
FORGOTTEN: Final = 1e-8
"""Through time: first step over last."""


def judge(layers: LayerStatistics, warm: WarmStart | None) -> Judgement:
    """Judge the relative gradients along depth."""
    if not layers.first.layers:
        return NotAssessed(rule=RULE, reason="autograd shows no weight that is applied to data")
    falls = [_fall(one) for one in (layers.first, layers.warmed) if one is not None]
    known = [fall for fall in falls if fall is not None]
    if known and len(known) == len(falls):
        steady = all(_steady(fall) for fall in known)
        ratio = max(fall.ratio for fall in known)
        fails = first_steps(warm, layers) == "fail"
        if steady and (ratio < VANISHED or (fails and ratio < VANISHING)):
            return _finding(layers, ratio, fails=fails and ratio < VANISHED)
    return _through_time(layers, warm) or Passed(rule=RULE, text="gradients reach the first layers")


def _readings(snapshot: LayerSnapshot) -> list[LayerReading]:
    return [one for one in snapshot.chain if one.relative_gradient and math.isfinite(one.relative_gradient)]


def _fall(snapshot: LayerSnapshot) -> Fall | None:
    values = [one.relative_gradient for one in _readings(snapshot) if one.relative_gradient]
    return along_depth(values) if len(values) >= FEWEST_LAYERS else None


def _steady(fall: Fall) -> bool:
    return fall.order >= LEAST_ORDER and fall.without_largest < VANISHED**0.5


def _finding(layers: LayerStatistics, ratio: float, *, fails: bool) -> Finding:
    chain = _readings(layers.warmed or layers.first)
    first, last = chain[0], chain[-1]
    learnt = (
        "After the warm start the loss is no lower than that of a constant prediction: what the last layers learn has no "
        "features to build on."
        if fails
        else "The last layers learn, on features of the first ones that stay nearly random."
    )
    return Finding(
        rule=RULE,
        severity="error" if fails else "warning",
        title=f"Gradients vanish: {first.parameter} gets {ratio:.0e} of what {last.parameter} gets",
        detail=f"Gradient over weight norm falls steadily over {len(chain)} layers on its way back, from "
        f"{last.relative_gradient:.1g} in {last.parameter} to {first.relative_gradient:.1g} in {first.parameter}: each layer "
        f"multiplies it by less than one. {learnt} Use a ReLU-like activation, normalisation between layers or residual "
        "connections.",
        evidence={
            "first_over_last": ratio,
            "layers": len(chain),
            "relative_gradients": {one.parameter: one.relative_gradient for one in chain},
        },
        fixes=("replace-activation", "add-normalization", "add-residual", "reinitialize"),
        locations=tuple(place(one) for one in sorted(chain, key=lambda one: one.relative_gradient or 0.0)[:5]),
    )


def _fades(layer: LayerReading) -> bool:
    return layer.time_ratio is not None and layer.time_ratio < FORGOTTEN


def _through_time(layers: LayerStatistics, warm: WarmStart | None) -> Finding | None:
    last = layers.warmed or layers.first
    at_first = {one.parameter for one in layers.first.layers if _fades(one)}
    faded = [one for one in last.layers if _fades(one) and one.parameter in at_first]
    if not faded or first_steps(warm, layers) != "fail":
        return None
    worst = min(faded, key=lambda one: one.time_ratio or 0.0)
    plain = bool(worst.activation) and not worst.gated
    way_out = (
        "Use LSTM or GRU layers, or start the recurrent weights orthogonal and scaled so that a signal lasts."
        if plain
        else "New LSTM and GRU layers do this and mostly learn it off; should the task need long memory and the loss stay "
        "where it is, start the forget gates' biases at 1 or more, or the recurrent weights orthogonal."
    )
    return Finding(
        rule=RULE,
        severity="warning" if plain else "note",
        title=f"Through time, {worst.time_ratio:.0e} of the gradient in {worst.parameter} reaches the first step",
        detail="What happens early in a sequence cannot be learnt as long as the gradient fades before it gets there, and the "
        f"first steps of training have learnt nothing. {way_out}",
        evidence={"first_over_last_time_step": worst.time_ratio},
        fixes=("reinitialize",),
        locations=(place(worst),),
    )
