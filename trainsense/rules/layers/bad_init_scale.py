"""Initial weights blow the signal up, or shrink it away, on its way through the layers.

## What it checks
Two sizes of what each layer reads, at initialisation, along the longest way through the model's layers: its root mean square,
and its spread across examples, which is the part that tells one input from another.

## How it is decided
Growth, in both sizes: a thousandfold from the first layer's input to the largest that any layer gets or the last gives, or
32-fold at 2 or more per layer.
Decay: to a 64th and to a third or less per layer before the last layer, or a spread of less than 1e-4 of what came in.
(torch's default initialisation shrinks the signal by 2.4 per ReLU layer until the biases keep it up, and networks of six
such layers learn; so 2 per layer is no fault by itself.)
What a norm repairs counts for nothing, since it is what a layer reads that is measured. What the first steps get over is a
note: growth where they learn and the initial loss is of the size of a constant prediction's, decay where they learn. Else a
warning; an error where they diverge or learn nothing and the factor is beyond 1e4 or grows.

## Measured
Named 2 of its 2 faults and 3 of 8 that another rule may name as well.
An error or a warning on 0 of 96 sound workloads, and beside 2 of 67 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
The framework's own initialisation; He's for ReLU, Xavier's for tanh; residual branches that start at zero; normalisation
between layers.

## References
PROTOCOL 8; Glorot and Bengio 2010; He et al. 2015; Zhang, Dauphin and Ma 2019.
"""

import math
from dataclasses import dataclass
from typing import Final

from trainsense.records.evidence import LayerReading, LayerStatistics, WarmStart
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed, Severity
from trainsense.rules.first_steps import first_steps, place

RULE = "bad-init-scale"
HUGE: Final = 1e3
"""Growth that is a fault at any depth (measured: 24 plain residual blocks 1e5; 10, which clipping rescues, 1e2)."""
LARGE: Final = 32.0
"""Growth in all that is a fault if each layer has its part in it (measured: sound networks up to 15, N(0,1) weights 40 up)."""
SMALL: Final = 1 / 64.0
"""Decay in all that is one (measured: six layers of torch's default 1/10, N(0, 0.02) weights, which Adam rescues, 1/100)."""
GROWTH_PER_LAYER: Final = 2.0
"""As of PROTOCOL 8; with `LARGE`, that is 2 over five layers and more, 3.2 over three, 5.7 over two."""
DECAY_PER_LAYER: Final = 3.0
"""Beyond the 2.45 of torch's default initialisation with ReLU, sqrt(6)."""
LOST: Final = 1e-4
"""Share of the spread below which the last layer cannot tell inputs apart."""
HARMLESS_LOSS: Final = 3.0
"""An initial loss up to so many times a constant prediction's is one that training starts from as well."""


@dataclass(frozen=True, kw_only=True)
class _Change:
    """How a size changes from the first layer's input to `at`.

    Attributes:
        factor: size there over size at the first.
        layers: layers in between.
        at: the layer.
    """

    factor: float
    layers: int
    at: LayerReading

    @property
    def per_layer(self) -> float:
        return self.factor ** (1 / max(1, self.layers)) if self.factor > 0 else 0.0


def judge(layers: LayerStatistics, warm: WarmStart | None) -> Judgement:
    """Judge the sizes along depth."""
    chain = [one for one in layers.first.chain if one.input_rms and one.input_spread]
    if len(chain) < 2:
        text = "fewer than two layers follow one another" if layers.first.layers else ""
        return Passed(rule=RULE, text=text) if text else NotAssessed(rule=RULE, reason="autograd shows no layer")
    if not math.isfinite(chain[0].input_spread or 0.0):
        return NotAssessed(rule=RULE, reason="what the first layer reads is not finite")
    growth = _growth(chain)
    if _grows(growth):
        return _finding(growth, chain, _growth_severity(warm, layers), grows=True)
    signal, scale = _decay(layers.first.chain)
    if signal is not None and scale is not None and _decays(signal, scale, chain):
        return _finding(
            min(signal, scale, key=lambda one: one.factor), chain, _decay_severity(signal, warm, layers), grows=False
        )
    return Passed(rule=RULE, text=f"the signal changes by a factor of {growth.factor:.2g} at most on its way")


def _growth(chain: list[LayerReading]) -> _Change:
    """Return the largest growth, in scale and in spread both: biases alone keep up the scale of a small input."""
    first = chain[0]
    sizes = [_grown(first, depth, one, one.input_rms, one.input_spread) for depth, one in enumerate(chain)]
    if not chain[-1].normed:
        sizes.append(_grown(first, len(chain), chain[-1], chain[-1].output_rms, chain[-1].output_spread))
    return max(sizes, key=lambda one: one.factor)


def _grown(first: LayerReading, layers: int, at: LayerReading, rms: float | None, spread: float | None) -> _Change:
    sizes = (rms or 0.0) / (first.input_rms or 1.0), (spread or 0.0) / (first.input_spread or 1.0)
    return _Change(factor=math.inf if any(math.isnan(size) for size in sizes) else min(sizes), layers=layers, at=at)


def _grows(growth: _Change) -> bool:
    large = growth.factor >= LARGE and growth.per_layer >= GROWTH_PER_LAYER
    return growth.layers >= 2 and (growth.factor >= HUGE or large)


def _decay(chain: tuple[LayerReading, ...]) -> tuple[_Change | None, _Change | None]:
    """Return how spread and root mean square change up to the last layer's input."""
    first, last, layers = chain[0], chain[-1], len(chain) - 1
    if any(one.kind == "recurrent" for one in chain) or not first.input_rms or not first.input_spread:
        return None, None
    if last.input_rms is None or last.input_spread is None:
        return None, None
    return (
        _Change(factor=last.input_spread / first.input_spread, layers=layers, at=last),
        _Change(factor=last.input_rms / first.input_rms, layers=layers, at=last),
    )


def _decays(signal: _Change, scale: _Change, chain: list[LayerReading]) -> bool:
    if signal.layers < 2 or not signal.factor:  # nothing at all: zeroed or dead units, other rules' matter
        return False
    if scale.factor <= SMALL and scale.per_layer <= 1 / DECAY_PER_LAYER:
        return True
    squashing = sum(one.activation == "Sigmoid" for one in chain)
    return signal.factor < LOST and 2 * squashing < len(chain)


def _growth_severity(warm: WarmStart | None, layers: LayerStatistics) -> Severity:
    steps = first_steps(warm, layers)
    if steps == "fail":
        return "error"
    harmless = warm is not None and warm.initial_loss <= HARMLESS_LOSS * abs(warm.constant_loss or warm.initial_loss)
    return "note" if steps == "learn" and harmless else "warning"


def _decay_severity(signal: _Change, warm: WarmStart | None, layers: LayerStatistics) -> Severity:
    steps = first_steps(warm, layers)
    if steps == "learn":
        return "note"
    return "error" if steps == "fail" and signal.factor < LOST else "warning"


def _finding(change: _Change, chain: list[LayerReading], severity: Severity, *, grows: bool) -> Finding:
    first, name = chain[0].parameter, change.at.parameter
    gains = {one.parameter: one.gain for one in chain if one.gain is not None}
    extreme = sorted((one for one in chain if one.gain), key=lambda one: one.gain or 1.0, reverse=grows)
    verb = "grows" if grows else "shrinks"
    factor = change.factor if grows else 1 / change.factor if change.factor > 0 else math.inf
    consequence = (
        "The outputs, and with them loss and gradients, start out as much too large."
        if grows
        else "The last layer sees nearly the same for every input, and the gradient on its way back shrinks as much."
    )
    return Finding(
        rule=RULE,
        severity=severity,
        title=f"At initialisation the signal {verb} {factor:.2g}-fold over {change.layers} layers",
        detail=f"From what {first} reads to what {name} sees, by a factor of {_each(change, grows=grows):.2g} a layer. "
        f"{consequence} Initialise weights by fan-in (the framework's default, He's rule for ReLU, Xavier's for tanh), start residual "
        "branches at zero, or normalise between layers.",
        evidence={"factor": change.factor, "layers": change.layers, "per_layer": change.per_layer, "gain": gains},
        fixes=("reinitialize", "add-normalization", *(("zero-init-residual",) if grows else ())),
        locations=tuple(place(one) for one in extreme[:5]),
    )


def _each(change: _Change, *, grows: bool) -> float:
    return change.per_layer if grows or not change.per_layer else 1 / change.per_layer
