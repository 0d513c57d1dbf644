"""Residual branches contribute fully from the start; starting them at zero allows larger learning rates.

## What it checks
How much each residual branch adds at initialisation, relative to the stream that it is added to.

## How it is decided
A note where 4 or more residual sums (those with the norm behind them apart) add 0.2 of the stream or more, in the median.
Worth knowing, nothing to do: such networks train well when they are normalised.

## Measured
It gives notes alone.
An error or a warning on 0 of 96 sound workloads, and beside 0 of 77 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Zero for the last layer of each branch, or for a learned scale on it; the fix `zero-init-residual` does that.

## References
Goyal et al. 2017, section 5.1. Bachlechner et al. 2021, ReZero. Godbole et al. 2023, section on optimization failures.
PROTOCOL 5.
"""

from statistics import median
from typing import Final

from trainsense.records.evidence import Architecture
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed

RULE: Final = "residual-not-zero-init"
FEWEST: Final = 4
"""Sums: in shallower networks there is nothing to gain."""
SMALL: Final = 0.2
"""Of the stream: 24 sums of this size make it less than twice as large."""


def judge(architecture: Architecture) -> Judgement:
    """Judge what the branches add."""
    sums = [one for one in architecture.sums if one.placement != "post-norm"]
    seen = [one.contribution for one in sums if one.contribution is not None]
    if len(sums) < FEWEST:
        return Passed(rule=RULE, text=f"{len(sums)} residual sums, with the norm not behind them")
    if 2 * len(seen) < len(sums):
        return NotAssessed(rule=RULE, reason="what the residual branches add was not seen")
    middle = median(seen)
    if middle < SMALL:
        return Passed(rule=RULE, text=f"residual branches start at {middle:.2g} of the stream")
    return Finding(
        rule=RULE,
        severity="note",
        title=f"{len(sums)} residual branches start at {middle:.2g} of the stream that they are added to",
        detail="Branches that start at zero leave the network shallow at first, which allows larger learning rates. Zero the "
        "last layer of each branch, or multiply it by a learned scale that starts at zero. Nothing is wrong without.",
        evidence={"sums": len(sums), "median_contribution": middle},
        fixes=("zero-init-residual",),
        locations=tuple(one.location for one in sums),
    )
