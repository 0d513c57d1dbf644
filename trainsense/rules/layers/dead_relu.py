"""Units behind a ReLU give zero for every example, so that nothing passes them in either direction.

## What it checks
For each layer that runs into an activation of the ReLU family, module or function, the share of its units (channels behind
a convolution) that give zero for every example, position and batch looked at, at initialisation and after a short warm
start. Smooth activations count as zero below 1e-6 where they are flat; leaky ones never do.

## How it is decided
More than half of a layer's units, beyond what chance does to a layer of its width, at both looks: a warning. All of them
after the warm start: an error where the loss is no better than a constant prediction's, else a warning. A quarter is a
note. Fewer than 64 examples: not assessed unless all units are dead, since one may be silent on so few by chance. A layer
that gives zero before its activation too is no matter of the activation.

## Measured
Named 3 of its 3 faults.
An error or a warning on 0 of 96 sound workloads, and beside 2 of 74 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Biases that start at zero, He initialisation, a lower learning rate or a warmup where they die in the first steps, leaky or
smooth activations, normalised inputs.

## References
PROTOCOL 8; Glorot, Bordes and Bengio 2011; He et al. 2015; Lu et al. 2020 (dying ReLU).
"""

import math
from dataclasses import dataclass
from typing import Final

from trainsense.records.evidence import LayerReading, LayerStatistics, WarmStart
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed
from trainsense.rules.first_steps import first_steps, place

RULE = "dead-relu"
MOST_DEAD: Final = 0.5
"""Share above which it is a warning (PROTOCOL 8)."""
MANY_DEAD: Final = 0.25
"""Share above which it is a note (PROTOCOL 8)."""
CHANCE: Final = 2.5
"""Standard errors of a half that a narrow layer's share must lie above it: where depth has made all examples alike, each
unit is dead with probability one half (measured: 12 sound layers of width 64 0.59, of width 8 0.5)."""
FEWEST_EXAMPLES: Final = 64
"""A unit that one example in twenty excites stays silent in 64 with probability 4 %."""


@dataclass(frozen=True, kw_only=True)
class _Dead:
    layer: LayerReading
    first: float
    last: float

    @property
    def lasting(self) -> float:
        return min(self.first, self.last)

    def beyond(self, share: float) -> bool:
        """Return whether more than a share is dead, beyond chance."""
        units = self.layer.units or 1
        return self.lasting > share + CHANCE * math.sqrt(share * (1 - share) / units)


def judge(layers: LayerStatistics, warm: WarmStart | None) -> Judgement:
    """Judge the dead shares at both looks."""
    found = list(_dead(layers))
    if not found:
        return Passed(rule=RULE, text="no layer runs into an activation of the ReLU family")
    all_dead = [one for one in found if one.last >= 1.0]
    if layers.examples < FEWEST_EXAMPLES and not any(one.beyond(MOST_DEAD) for one in all_dead):
        reason = f"only {layers.examples} examples in the batches looked at: a unit may be silent on them by chance"
        return NotAssessed(rule=RULE, reason=reason)
    most = [one for one in found if one.beyond(MOST_DEAD)]
    many = [one for one in found if one.beyond(MANY_DEAD)]
    if all_dead:
        stuck = first_steps(warm, layers) == "fail"
        return _finding(all_dead, "error" if stuck else "warning", layers)
    if most:
        return _finding(most, "warning", layers)
    if many:
        return _finding(many, "note", layers)
    return Passed(rule=RULE, text=f"at most {max(one.lasting for one in found):.0%} of a layer's units are dead")


def _dead(layers: LayerStatistics) -> list[_Dead]:
    warmed = {one.parameter: one for one in layers.warmed.layers} if layers.warmed else {}
    pairs = [(one, warmed.get(one.parameter, one)) for one in layers.first.layers]
    return [
        _Dead(layer=later, first=one.dead, last=later.dead)
        for one, later in pairs
        if one.dead is not None and later.dead is not None and later.output_rms
    ]


def _finding(dead: list[_Dead], severity: str, layers: LayerStatistics) -> Finding:
    dead = sorted(dead, key=lambda one: one.last, reverse=True)
    worst = dead[0]
    units = worst.layer.units or 0
    when = "at initialisation and still" if worst.first > MANY_DEAD else "not at initialisation, but"
    return Finding(
        rule=RULE,
        severity="error" if severity == "error" else "warning" if severity == "warning" else "note",
        title=f"{worst.last:.0%} of the {units} units behind {worst.layer.parameter} are dead",
        detail=f"They give zero for every one of the {layers.examples} examples looked at, {when} after the first steps, and so get no "
        "gradient that could bring them back. "
        + ("Nothing passes this layer, so nothing before it learns. " if worst.last >= 1.0 else "")
        + "Start biases at zero and weights by He's rule; if they die in the first steps, lower the learning rate or warm it up; or "
        "use an activation that leaks.",
        evidence={
            "dead": {one.layer.parameter: one.last for one in dead},
            "dead_at_initialisation": {one.layer.parameter: one.first for one in dead},
            "examples": layers.examples,
        },
        fixes=("reinitialize", "replace-activation", "lower-lr", "warmup"),
        locations=tuple(place(one.layer) for one in dead[:5]),
    )
