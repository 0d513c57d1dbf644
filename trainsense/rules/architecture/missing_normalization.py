"""Residual branches or deep stacks without normalisation: the scale of what runs through them gets out of hand.

## What it checks
Rows of residual sums with no norm in their branches and none behind the row: by how much the branches, measured at
initialisation, make the stream larger. And deep stacks with neither residual connections nor norms: whether examples are
still told apart at their end (see missing-residual).

## How it is decided
Residual sums: a warning where 4 or more make the stream 30 times larger or more, an error from 300 times, unless a short
warm start learns (then a warning). Measured on handwritten digits, He-initialised branches, best of three lrs each of Adam
and SGD, loss drop lost against the same with norms: 4 sums, 6 times: 5 %; 8 sums, 38 times: 10 %; 12 sums, 310 times: 40 %;
16 sums, 2900 times: all of it. With torch's default initialisation, or the last layer of each branch at zero, 16 sums make
it at most twice as large and cost nothing; nor do they with one norm behind the last sum (7 % at 16).
Plain stacks: a warning where nothing of the stack's inputs is left at its end though it has no norm at all: with BatchNorm
the same stacks of 12 to 16 layers lost 1 to 3 % of the drop instead of 36 to 45 %.

## Measured
Named 1 of its 1 faults and 2 of 2 that another rule may name as well.
An error or a warning on 0 of 96 sound workloads, and beside 0 of 74 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
A norm at the start of each branch, `x + f(Norm(x))`; or the last layer of each branch at zero (Fixup, ReZero, SkipInit).

## References
Zhang, Dauphin and Ma 2019, Fixup initialization. De and Smith 2020, Batch normalization biases residual blocks towards the
identity function. PROTOCOL 8 and 10 (E6).
"""

from typing import Final

from trainsense.records.evidence import Architecture, PlainStack, ResidualSum, WarmStart, total_growth
from trainsense.records.finding import Finding, Judgement, Passed
from trainsense.records.location import Location
from trainsense.rules.architecture.missing_residual import LEARNT, fades
from trainsense.rules.learning import learns

RULE: Final = "missing-normalization"
FEWEST: Final = 4
"""Sums: fewer that explode are a matter of their initialisation."""
GROWN: Final = 30.0
"""Times: 8 He-initialised blocks, 38 times, lost 10 % of the drop (measured, see the page)."""
EXPLODED: Final = 300.0
"""Times: 12 He-initialised blocks, 310 times, lost 40 % (measured, see the page)."""


def judge(architecture: Architecture, warm: WarmStart | None) -> Judgement:
    """Judge the scale of the stream, and of a plain stack."""
    row = architecture.unnormalised()
    growth = total_growth(row)
    if len(row) >= FEWEST and growth >= GROWN:
        return _of_sums(row, growth, warm)
    stack = architecture.stack
    if stack is not None and not stack.norms and fades(stack) and not learns(warm, LEARNT):
        return _of_stack(stack)
    if not row:
        return Passed(rule=RULE, text="no residual sum without a norm")
    return Passed(rule=RULE, text=f"{len(row)} residual sums without a norm make the stream {growth:.2g} times larger")


def _of_sums(row: tuple[ResidualSum, ...], growth: float, warm: WarmStart | None) -> Finding:
    return Finding(
        rule=RULE,
        severity="error" if growth >= EXPLODED and not learns(warm, LEARNT) else "warning",
        title=f"{len(row)} residual sums without normalisation make what runs through them {growth:.0f} times larger",
        detail=f"Each branch adds its full output and nothing brings the scale back: over {len(row)} sums the stream grows "
        f"{growth:.3g} times at initialisation, and first losses and gradients with it. Put a norm at the start of each "
        "branch, x + f(Norm(x)), or start the last layer of each branch at zero.",
        evidence={
            "sums": len(row),
            "growth": growth,
            "largest_contribution": max((one.contribution or 0.0) for one in row),
            "modules": [one.location.module for one in row],
        },
        fixes=("add-normalization", "zero-init-residual"),
        locations=tuple(one.location for one in row),
    )


def _of_stack(stack: PlainStack) -> Finding:
    return Finding(
        rule=RULE,
        severity="warning",
        title=f"{stack.depth} layers in a row without any normalisation forget their inputs",
        detail=f"At the end of the stack {stack.last_varying:.1g} of what is left differs between examples. A norm after each "
        "layer keeps examples apart in stacks of up to about 20 layers; deeper ones need residual connections as well "
        "(missing-residual).",
        evidence={"layers": stack.depth, "first_varying": stack.first_varying, "last_varying": stack.last_varying},
        fixes=("add-normalization", "add-residual"),
        locations=tuple(Location(module=path) for path in stack.layers),
    )
