"""Training batches contain NaN or infinite values.

## What it checks
The floating-point tensors of the first 64 training batches, and of the eval batches, are looked at, value by value.

## How it is decided
Any NaN or infinite value is an error: one is enough to make the loss, and at the next update every weight, NaN.

## Measured
Named 1 of its 1 faults.
An error or a warning on 0 of 96 sound workloads, and beside 0 of 76 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Clean or mask the values where the data is made. Clipping and a lower learning rate do not help: a norm of NaN stays NaN.

## References
CONTRACT 1: a workload that runs but is sick is a finding, no usage error.
"""

from trainsense.records.evidence import Setup
from trainsense.records.finding import Finding, Judgement, Passed

RULE = "non-finite-data"


def judge(setup: Setup) -> Judgement:
    """Judge the scan of the first batches."""
    if not setup.non_finite:
        return Passed(rule=RULE, text=f"the first {setup.batches_scanned} batches are finite")
    index, path, count = setup.non_finite[0]
    batches = len({entry[0] for entry in setup.non_finite})
    return Finding(
        rule=RULE,
        severity="error",
        title=f"Batch {index} holds {count} NaN or infinite values in {path}",
        detail=f"{batches} of the batches looked at (the first {setup.batches_scanned}) hold values that are not finite. One is enough to "
        "turn the loss and, at the next update, every weight into NaN; neither clipping nor a lower learning rate helps. "
        "Clean or mask them where the data is made.",
        evidence={
            "batches_with_non_finite_values": batches,
            "batches_scanned": setup.batches_scanned,
            "first_batch": index,
            "where": path,
            "count": count,
        },
    )
