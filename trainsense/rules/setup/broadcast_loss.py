"""Predictions and targets broadcast: each example is compared with the targets of all others.

## What it checks
Every sum, difference, product, quotient and elementwise loss that the user's code computes outside of the model: the shapes of
its two operands where one depends on the model and the other does not.

## How it is decided
An error where one operand has fewer dimensions than the other, so that its examples are lined up with an axis of length 1 of
the other while the other's examples stay on their own axis: (N, 1) with (N,) gives (N, N). Where a batch of more than two
examples can be halved, both lengths have to follow. Operands of the same rank, (N, 1, Q) with (N, Q, 1), and predictions
that the loss itself has just unsqueezed are broadcast on purpose; so are weights per class, masks and quantiles.

## Measured
Named 3 of its 3 faults.
An error or a warning on 0 of 96 sound workloads, and beside 0 of 74 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Bring both to one shape: `predictions.squeeze(-1)` or `targets.unsqueeze(-1)`.

## References
torch.nn.functional.mse_loss warns: "Using a target size that is different to the input size".
"""

from trainsense.records.evidence import LossTerms
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed
from trainsense.rules.places import called, places

RULE = "broadcast-loss"


def judge(loss_terms: LossTerms) -> Judgement:
    """Judge the shapes that meet in the loss."""
    if not loss_terms.broadcasts:
        if loss_terms.examples < 2:
            reason = "with one example in a batch, shapes that broadcast give the same as shapes that agree"
            return NotAssessed(rule=RULE, reason=reason)
        return Passed(rule=RULE, text="predictions meet the targets of their own example")
    found = loss_terms.broadcasts[0]
    size = found.result[-len(found.result)]
    return Finding(
        rule=RULE,
        severity="error",
        title=f"Predictions {found.predictions} and targets {found.targets} broadcast to {found.result}{called(found.location)}",
        detail=f"In `{found.operation}` each of the {size} examples is combined with the targets of all {size}, not with its "
        "own alone: the loss is least for the same prediction everywhere, the targets' mean, whatever the input. Bring both "
        "to one shape, by predictions.squeeze(-1) or targets.unsqueeze(-1).",
        evidence={
            "operation": found.operation,
            "predictions_shape": found.predictions,
            "targets_shape": found.targets,
            "result_shape": found.result,
        },
        locations=places(found.location),
    )
