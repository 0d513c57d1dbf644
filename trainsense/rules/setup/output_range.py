"""The output activation cannot produce what the targets ask for.

## What it checks
The operation that gives the predictions, looking past reshapes and selections alone: sigmoid, tanh, ReLU and its kin, softmax,
softplus, exp, clamps. What it can give at all is compared with the targets of several batches.

## How it is decided
Squared (and absolute, Huber) errors: mean squared distance of the targets to the reachable range, over their variance: a
warning from 2 %, an error from 25 %. Cross-entropies: the lowest loss that bounded scores can reach, over that of a
prediction that knows nothing: the same limits (tanh on the scores of 10 classes: 0.8 of 2.3). A ReLU on the scores of a
cross-entropy is a warning: a class whose score is at zero gets no gradient; an error where a class is at zero for all examples.
A scaling or shift after the activation (`5 * sigmoid(x)`, a temperature) is taken for intended: nothing is claimed.

## Measured
Named 5 of its 5 faults.
An error or a warning on 0 of 96 sound workloads, and beside 0 of 72 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Leave the activation out and let the last layer give raw values; or scale the targets into its range.

## References
Goodfellow, Bengio and Courville, Deep Learning (2016), 6.2.2: output units go with the loss; PROTOCOL 8.
"""

import math
from typing import Final

from trainsense.records.evidence import Limits, LossTerm, LossTerms
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed, Severity
from trainsense.rules.places import places

RULE = "output-range"
WARNING: Final = 0.02
"""Share out of reach from which it is worth a change: images normalised a little beyond [-1, 1], a few negative targets
among many positive ones stay below."""
ERROR: Final = 0.25
"""Share from which the fit is badly hurt: normal targets are missed by 15 % by a tanh, 50 % by a ReLU, 58 % by a sigmoid."""


def judge(loss_terms: LossTerms) -> Judgement:
    """Judge what the outputs can reach."""
    if not loss_terms.terms:
        return NotAssessed(rule=RULE, reason="no loss was recognised whose predictions and targets can be compared")
    bounded = [(term, term.limits) for term in loss_terms.terms if term.limits is not None and not term.probabilities]
    found = [one for term, limits in bounded if (one := _judged(term, limits)) is not None]
    if found:
        return min(found, key=lambda one: one.severity != "error")
    return Passed(rule=RULE, text="the outputs can reach the targets" if bounded else "nothing bounds the outputs")


def _judged(term: LossTerm, limits: Limits) -> Finding | None:
    if limits.missed is not None:
        return _missed(term, limits) if limits.missed >= WARNING else None
    entropy = term.kind != "negative log-likelihood"
    if entropy and limits.floor is not None and limits.floor >= WARNING * (term.uninformed or math.log(2)):
        return _floor(term, limits, limits.floor)
    if term.kind == "cross-entropy" and limits.dead_classes is not None:
        return _cut(term, limits, limits.dead_classes)
    return None


def _range(limits: Limits) -> str:
    if math.isinf(limits.high):
        return f"at least {limits.low:.3g}"
    return f"at most {limits.high:.3g}" if math.isinf(limits.low) else f"between {limits.low:.3g} and {limits.high:.3g}"


def _finding(term: LossTerm, limits: Limits, severity: Severity, title: str, detail: str) -> Finding:
    return Finding(
        rule=RULE,
        severity=severity,
        title=title,
        detail=detail,
        evidence={
            "activation": limits.operation,
            "lowest_output": limits.low,
            "highest_output": limits.high,
            "lowest_target": term.target_low,
            "highest_target": term.target_high,
            "share_out_of_reach": limits.missed,
            "lowest_loss": limits.floor,
            "dead_classes": limits.dead_classes,
        },
        fixes=("replace-activation",),
        locations=places(limits.location, term.location),
    )


def _missed(term: LossTerm, limits: Limits) -> Finding:
    share = limits.missed or 0.0
    much = "all of their variance" if share >= 1 else f"{share:.0%} of their variance"
    return _finding(
        term,
        limits,
        "error" if share >= ERROR else "warning",
        f"Targets from {term.target_low:.3g} to {term.target_high:.3g}, but the output's {limits.operation} gives values {_range(limits)}",
        f"What cannot be reached makes up {much}: that much of the squared error stays, however long the training, and the "
        "activation is driven into its flat part, where gradients vanish. Let the last layer give raw values, or scale the "
        "targets into the range of the activation.",
    )


def _floor(term: LossTerm, limits: Limits, floor: float) -> Finding:
    share = floor / (term.uninformed or math.log(2))
    return _finding(
        term,
        limits,
        "error" if share >= ERROR else "warning",
        f"The {term.kind} cannot fall below {floor:.3g}: the output's {limits.operation} keeps its input {_range(limits)}",
        f"Scores of that range cannot express more certainty: the best that they allow is {floor:.3g} above a perfect fit, "
        f"{share:.0%} of what a prediction that knows nothing has ({term.uninformed:.3g}). Leave the activation out: the loss "
        "wants raw, unbounded scores.",
    )


def _cut(term: LossTerm, limits: Limits, dead: int) -> Finding:
    worst = (
        f" {dead} of {term.classes} classes are at zero for every example looked at: they cannot be learnt."
        if dead
        else ""
    )
    return _finding(
        term,
        limits,
        "error" if dead else "warning",
        f"The scores that go into the cross-entropy are cut off at zero by a {limits.operation}",
        "A class whose score is at zero gets no gradient: where it is the right one, nothing pulls it up, and no score can "
        f"say that a class is unlikely.{worst} Leave the activation after the last layer out: the loss wants raw scores.",
    )
