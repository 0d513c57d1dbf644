"""The same seed does not give the same training twice.

## What it checks
The same short training is run twice from the same seed, reading the data anew, and the losses are compared.

## How it is decided
Losses that differ by more than 1e-6 of their size are a finding: a warning, since paired comparisons lose their power; a
note where they differ by less than 1e-3 (kernels that sum in another order), or where only the order of the batches
changes from one reading to the next: within one command batches are read once and replayed, so trials still share them.

## Measured
Named 1 of its 1 faults.
An error or a warning on 0 of 96 sound workloads, and beside 0 of 76 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Draw all random numbers from torch's, NumPy's or Python's global generators, which trainsense seeds; build generators of
your own inside `model()` and `data()`, seeded there.

## References
PROTOCOL 6.1: pairing divides the variance of a difference by 2 to 400; without it a change has to be much larger to show.
"""

from typing import Final

from trainsense.records.evidence import Setup
from trainsense.records.finding import Finding, Judgement, Passed

RULE = "not-deterministic"
SMALL_DIFFERENCE: Final = 1e-3
"""Relative difference over a dozen steps that sums in another order can grow to; more has another cause."""
_CONSEQUENCE: Final = {
    False: "Settings can then not be compared on the same draw: pairing loses its power, differences between settings must "
    "be larger to be seen, and figures below carry that noise.",
    True: "Within one command batches are read once and replayed, so its trials still share them; another command, or the "
    "same one carried on, sees others and loses the power of pairing with these.",
}


def judge(setup: Setup) -> Judgement:
    """Judge the two runs."""
    if setup.deterministic:
        return Passed(rule=RULE, text="two runs of the same seed agree")
    causes = "; ".join(setup.likely_causes)
    harmless = setup.difference < SMALL_DIFFERENCE or setup.only_batches_differ
    return Finding(
        rule=RULE,
        severity="note" if harmless else "warning",
        title=f"Two runs of the same seed differ from step {setup.first_difference} on",
        detail=f"Their losses differ by up to {setup.difference:.2g} of their size. Likely cause: {causes}. {_CONSEQUENCE[setup.only_batches_differ]}",
        evidence={"first_difference_step": setup.first_difference, "largest_relative_difference": setup.difference},
    )
