"""A deep stack of layers without residual connections does not carry its inputs to its end.

## What it checks
The way from input to output that passes the fewest layers: what residual, dense, gated or skip connections lead around is
not on it; layers of a recurrent network that are applied again and again count once. On one batch at initialisation it is
measured how far what its last layer reads still differs from example to example, in how many directions, and how large the
gradients at its two ends are.

## How it is decided
Depth alone draws nothing: well-initialised plain stacks train (orthogonal tanh, SELU and near-identity stacks lost at most
8 % of the loss drop at 30 layers). A warning, unless a short warm start already learns:
- from 10 layers, where less than 0.2 % of what the last layer reads differs between examples (3 % from 20 layers);
- from 16 layers, where examples differ in 2 directions or fewer (3 from 20 layers), and did in twice as many at the start;
- from 20 layers, where the gradient at the start is more than 200 times that at the end.

Measured on handwritten digits, best of three lrs each of Adam and SGD, loss drop lost against the same depth with
residual connections: torch's default initialisation, ReLU: 8 layers 5 %, 10 layers 11 %, 12 layers 36 %, 20 layers 73 %;
He, width 48: 16 layers 6 %, 20 layers 12 %, 30 layers 39 %; with BatchNorm: 20 layers 6 to 9 %, 30 layers 28 to 40 %; with
LayerNorm: 16 layers 8 %, 20 layers 19 to 24 %. An error where the share is below 1e-9 (16 layers and more of the default
initialisation: half of the drop and more lost at every lr) and the warm start learns nothing.

## Measured
Named 2 of its 2 faults.
An error or a warning on 0 of 96 sound workloads, and beside 0 of 75 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Residual connections around every one to three layers, `x + f(x)`, with a norm in each branch or branches that start at
zero. Normalisation alone helps below about 20 layers.

## References
He et al. 2016, Deep residual learning. Schoenholz et al. 2017, Deep information propagation. PROTOCOL 8.
"""

from typing import Final

from trainsense.records.evidence import Architecture, PlainStack, WarmStart
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed
from trainsense.records.location import Location
from trainsense.rules.learning import learns

RULE: Final = "missing-residual"
DEEP: Final = 10
"""Layers: at 8, default initialisation costs 5 % of the drop, at 10 11 % (measured, see the page)."""
DEEPER: Final = 16
"""Layers: well-scaled stacks of fewer lost 6 % at most (measured, see the page)."""
DEEPEST: Final = 20
"""Layers: stacks with BatchNorm lost 6 to 9 % there, 3 % at 16 (measured, see the page)."""
HARDLY_VARYING: Final = 2e-3
"""Share of the second moment: ReLU 8 layers 3e-4 but too shallow to hurt, 10 layers 4e-6; tanh 8 layers 1e-2, 10 layers 1e-3."""
HARDLY_VARYING_NORMED: Final = 3e-2
"""From 20 layers; with LayerNorm 3e-3 to 2e-2 there (19 to 24 % lost), 3e-2 to 6e-2 at 12 layers (5 % lost)."""
FADED: Final = 0.1
"""Of the share at the start: inputs that hardly differ to begin with are no matter of depth."""
FEW_DIRECTIONS: Final = 2.0
"""He, width 48: 1.4 to 3.1 at 16 layers (6 % lost), 1.1 to 1.9 at 24 and 30 (39 %) ..."""
FEW_DIRECTIONS_DEEPEST: Final = 3.0
"""... and from 20 layers: attention and perceptron blocks without residual connections 1.9 to 2.6 at 25 layers; SELU at 30
3.4 to 4.4 (8 % lost)."""
FEWER: Final = 0.45
"""Of the directions at the start: data that differ in few directions to begin with are no matter of depth."""
NARROW: Final = 8
"""Features: a bottleneck leaves few directions on purpose."""
EXPLODING: Final = 200.0
"""BatchNorm: 30 to 100 at 20 layers (6 to 9 % lost), 250 to 660 at 30 (28 to 40 %)."""
LEARNT: Final = 0.25
"""Share of the best constant prediction's loss; after 30 steps stacks that lost 12 % of the drop and more lay at most 19 %
below it, those that lost less (16 layers, He) 33 % and more (measured)."""
LOST: Final = 1e-9
"""Share of the second moment below which half of the drop and more was lost at every lr."""


def judge(architecture: Architecture, warm: WarmStart | None) -> Judgement:
    """Judge what the plain stack carries."""
    stack = architecture.stack
    if stack is None:
        return NotAssessed(rule=RULE, reason="no trained layer was seen in the first loss")
    what = broken(stack)
    if not what:
        if stack.depth >= DEEP and stack.last_varying is None:
            return NotAssessed(rule=RULE, reason=f"what the last of {stack.depth} plain layers reads was not seen")
        return Passed(
            rule=RULE, text=f"the most layers in a row that nothing leads around are {stack.depth}: {_told(stack)}"
        )
    if learns(warm, LEARNT):
        return Passed(
            rule=RULE, text=f"{stack.depth} layers in a row that nothing leads around, and a warm start learns"
        )
    lost = fades(stack) and stack.last_varying is not None and stack.last_varying <= LOST
    without = "residual connections" if stack.norms else "residual connections or norms"
    return Finding(
        rule=RULE,
        severity="error" if lost and warm is not None else "warning",
        title=f"{stack.depth} layers in a row without {without}: {what}",
        detail=f"Nothing leads around any of these {stack.depth} layers ({_told(stack)}). Each passes on a little less, so "
        "that the loss hardly depends on the input, or the first layers get gradients of another size than the last. "
        "Lead residual connections around every one to three layers, x + f(x), with a norm in each branch or its last "
        f"layer at zero{'' if stack.norms else '; below 20 layers normalisation alone may do'}.",
        evidence={
            "layers": stack.depth,
            "norms": stack.norms,
            "first_varying": stack.first_varying,
            "last_varying": stack.last_varying,
            "first_dimensions": stack.first_dimensions,
            "last_dimensions": stack.last_dimensions,
            "gradient_ratio": stack.gradient_ratio,
            "modules": list(stack.layers),
        },
        fixes=("add-residual",) if stack.norms else ("add-residual", "add-normalization"),
        locations=tuple(Location(module=path) for path in stack.layers),
    )


def broken(stack: PlainStack) -> str:
    """Return what a plain stack measurably does not carry, empty if it does."""
    if fades(stack):
        return f"only {stack.last_varying:.1g} of what reaches the last one differs between examples"
    if collapses(stack):
        return f"examples differ in only {stack.last_dimensions:.1f} directions at the end"
    if stack.depth >= DEEPEST and stack.gradient_ratio is not None and stack.gradient_ratio >= EXPLODING:
        return f"the gradient grows {stack.gradient_ratio:.0f} times on its way back"
    return ""


def fades(stack: PlainStack) -> bool:
    """Return whether examples have become all but the same at the end of a deep stack."""
    first, last = stack.first_varying, stack.last_varying
    if first is None or last is None or last > FADED * first:
        return False
    deepest = stack.depth >= DEEPEST and last <= HARDLY_VARYING_NORMED
    return deepest or (stack.depth >= DEEP and last <= HARDLY_VARYING)


def collapses(stack: PlainStack) -> bool:
    """Return whether examples differ in next to no directions any more at the end of a deep stack."""
    first, last = stack.first_dimensions, stack.last_dimensions
    if first is None or last is None or stack.depth < DEEPER or stack.narrowest < NARROW:
        return False
    few = FEW_DIRECTIONS if stack.depth < DEEPEST else FEW_DIRECTIONS_DEEPEST
    return last <= few and last <= FEWER * first


def _told(stack: PlainStack) -> str:
    parts = []
    if stack.last_varying is not None:
        parts.append(f"{stack.last_varying:.2g} of what the last reads differs between examples")
    if stack.last_dimensions is not None:
        parts.append(f"in {stack.last_dimensions:.1f} directions")
    if stack.gradient_ratio is not None:
        parts.append(f"gradient at the start over that at the end {stack.gradient_ratio:.2g}")
    return ", ".join(parts) or "too few to lose anything"
