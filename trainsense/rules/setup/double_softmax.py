"""Probabilities are fed to a loss that applies softmax (or sigmoid) itself.

## What it checks
What goes into the log-softmax of a cross-entropy, or into a binary cross-entropy with logits, on several batches, with the
fresh model and after a warm start.

## How it is decided
An error where these scores are probabilities already: never negative and summing to 1 for every prediction of every batch,
before and after the warm start, or the direct result of a softmax or sigmoid. Scores of that kind differ by 1 at most, so the
loss cannot fall below ln(1 + (classes - 1) / e): 1.46 for 10 classes, and gradients are small throughout.
Log-probabilities in a cross-entropy are no fault (log-softmax changes nothing about them), nor are targets that are probabilities.

## Measured
Named 4 of its 4 faults.
An error or a warning on 0 of 96 sound workloads, and beside 0 of 73 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Remove the softmax or sigmoid at the end of the model and give the loss raw scores; apply it where probabilities are read.
Where the model has to return probabilities, use `nll_loss` on their logarithm or `binary_cross_entropy`.

## References
torch.nn.CrossEntropyLoss: "The input is expected to contain the unnormalized logits for each class".
"""

import math

from trainsense.records.evidence import LossTerm, LossTerms
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed
from trainsense.rules.places import called, places

RULE = "double-softmax"


def judge(loss_terms: LossTerms) -> Judgement:
    """Judge what goes into losses that normalise by themselves."""
    found = [term for term in loss_terms.terms if term.probabilities]
    if found:
        return _found(found[0])
    normalising = [one for one in loss_terms.terms if one.kind in {"cross-entropy", "binary cross-entropy with logits"}]
    if not normalising:
        return NotAssessed(rule=RULE, reason="no loss was recognised that applies a softmax or a sigmoid by itself")
    return Passed(rule=RULE, text="the loss that applies softmax or sigmoid gets raw scores")


def _found(term: LossTerm) -> Finding:
    binary = term.classes is None
    by = "sigmoid" if term.probabilities == "sigmoid" else "softmax"
    loss, applies = ("binary cross-entropy with logits", "a sigmoid") if binary else ("cross-entropy", "a softmax")
    floor = math.log1p(math.exp(-1)) if binary else math.log1p(((term.classes or 2) - 1) / math.e)
    lowest = (
        f"the loss of a positive cannot fall below {floor:.3g}, that of a negative not below {math.log(2):.3g}"
        if binary
        else f"the loss cannot fall below {floor:.3g} however well it fits (a constant prediction has {term.uninformed:.3g})"
    )
    limits = term.limits
    return Finding(
        rule=RULE,
        severity="error",
        title=f"The {loss} gets probabilities: it applies {applies} to what a {by} has already squashed",
        detail=f"What goes into the loss{called(term.location)} lies in [0, 1]"
        f" for every example looked at. As scores these differ by 1 at most, so {lowest}, and gradients shrink. Remove the "
        f"{by} at the end of the model and give the loss raw scores.",
        evidence={"probabilities_of": by, "classes": term.classes, "floor": floor, "initial_loss": term.value},
        fixes=("remove-softmax",),
        locations=places(term.location, None if limits is None else limits.location),
    )
