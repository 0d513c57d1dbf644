"""One example's output depends on the other examples of its batch.

## What it checks
The model after its warm start, in evaluation mode: single examples of a batch are exchanged for others where they enter the
outermost call, and the outputs of the rest are compared, random numbers kept the same.

## How it is decided
Other outputs change by more than 1e-4 of the outputs' size: a warning; an error where one changes by more than a tenth of
what the exchanged example's own output does, or where a softmax normalises across the batch. Where rows of the first axis
depend on each other and those of the second do not, and outputs and targets are per row of the second, the second is the batch
(sequences given time first). Not assessed where something relates rows by design (edges, indices, adjacency matrices, outputs over
pairs of rows), where it is not clear which axis the examples lie along, or where no output has a row for each example.

## Measured
Named 5 of its 5 faults and 1 of 1 that another rule may name as well.
An error or a warning on 0 of 96 sound workloads, and beside 0 of 71 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Recurrent and attention layers of torch read (time, batch, features) unless they are made with `batch_first=True`. Softmax,
mean, norm and cumulative sums need the feature axis (`dim=-1`), not axis 0. Batch normalisation without running statistics
uses the batch's own in evaluation too.

## References
Karpathy 2019, A Recipe for Training Neural Networks: "use backprop to chart dependencies".
"""

from typing import Final

from trainsense.records.evidence import ExampleDependence
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed

RULE = "example-leak"
FLOAT_NOISE: Final = 1e-4
"""Relative change that half precision and other orders of summing make without any meaning."""
LARGE: Final = 0.1
"""Largest change in another output over that in the own. Measured on batches of 64 digits: a mean or a softmax along the batch
0.016 to 0.03, batch normalisation without running statistics 0.03, attention 0.01 to 0.06, an LSTM or GRU 0.5 to 0.6."""


def judge(dependence: ExampleDependence) -> Judgement:
    """Judge what an exchange changed in the others."""
    if dependence.unseen:
        return NotAssessed(rule=RULE, reason=dependence.unseen)
    if dependence.relative_change <= FLOAT_NOISE:
        return Passed(rule=RULE, text=f"outputs of {dependence.examples} examples do not depend on each other")
    return _finding(dependence)


def _finding(dependence: ExampleDependence) -> Finding:
    share = dependence.change_in_others / dependence.change_in_own if dependence.change_in_own > 0 else float("inf")
    softmax = dependence.softmax_over_batch
    place = next((one.module for one in softmax if one.module), "")
    cause = (
        f"A softmax{f' in {place}' if place else ''} normalises across the batch: give it dim=-1."
        if softmax
        else "Only examples after the exchanged one change: a recurrent layer runs along the batch as if it were time; torch's read "
        "(time, batch, features) unless made with batch_first=True."
        if dependence.later_only
        else "Usual causes: attention or recurrent layers made without batch_first=True, a mean, norm or softmax along axis 0, batch "
        "normalisation without running statistics."
    )
    return Finding(
        rule=RULE,
        severity="error" if softmax or share > LARGE else "warning",
        title=f"Exchanging one example changes the outputs of the others, by up to {dependence.relative_change:.2g} of their size",
        detail=f"In evaluation mode {dependence.exchanged} of {dependence.examples} examples were exchanged, one after the other: the "
        f"others' outputs changed by up to {share:.2g} of what the exchanged one's own did. What the model says of an example then "
        f"depends on which others come with it. {cause}",
        evidence={
            "relative_change_in_others": dependence.relative_change,
            "change_in_others": dependence.change_in_others,
            "change_in_own": dependence.change_in_own,
            "later_examples_only": dependence.later_only,
            "gradient_share_of_others": dependence.gradient_share,
            "examples": dependence.examples,
        },
        locations=softmax,
    )
