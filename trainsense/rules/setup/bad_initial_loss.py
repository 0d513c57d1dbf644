"""The loss begins far above that of a prediction that knows nothing.

## What it checks
Each recognised part of the loss (cross-entropy, binary cross-entropy, squared and absolute errors; called by name or written
out) is recomputed as a plain mean on several batches, with the fresh model and after a warm start at the user's setting.

## How it is decided
A fresh model knows nothing, and can do as well as a constant: ln(classes) for cross-entropy, ln 2 for binary cross-entropy,
the targets' variance for squared errors. Cross-entropy may begin 25 % and 0.5 nats above that, squared errors at twice that.
What is above is a note while it is little (1.5 times that limit; squared errors: 10 times the variance), or up to three times
the limit (50 times the variance) where the warm start takes it off; else a warning; an error where it is hugely above (100
times the limit; 10,000 times the variance) and the warm start does not take it off. Starting below, as pretrained models
do, is fine. Squared errors of outputs of the usual scale on targets whose mean is far from zero (more than 7 standard deviations), or whose scale is small, are a note where, at the warm start's pace, they are there within 300 steps.
Scores whose layer normalises its weight (cosine scores, times a scale that is chosen) are not judged.
Negative log-likelihood of values that are no log-probabilities (above 0, not summing to 1) is an error: it has no floor at 0.
A loss in which nothing is recognised is compared with that of the same model with its last layers zeroed: 10 times above
on every batch is a warning.

## Measured
Named 3 of its 4 faults and 1 of 1 that another rule may name as well.
An error or a warning on 0 of 96 sound workloads, and beside 7 of 72 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Initialise the last layer smaller (or at zero), normalise the inputs, standardise the targets or set the last bias to their
mean; give `nll_loss` the result of `log_softmax`, or use `cross_entropy` on the raw scores.

## References
PROTOCOL 8; Karpathy, "A Recipe for Training Neural Networks" (2019): verify the loss at initialisation.
"""

import math
from typing import Final

from trainsense.records.evidence import LossTerm, LossTerms
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed, Severity
from trainsense.rules.places import places
from trainsense.rules.setup.labels_mismatch import OUTSIDE
from trainsense.rules.setup.output_range import WARNING

RULE = "bad-initial-loss"
NATS: Final = 0.5
"""Cross-entropy may begin this far above an uninformed prediction (PROTOCOL 8)."""
SHARE: Final = 0.25
"""And this share of it (PROTOCOL 8)."""
VARIANCES: Final = 2.0
"""Squared errors may begin at this many times the targets' variance (PROTOCOL 8)."""
LITTLE: Final = 1.5
"""Times the limit up to which a high cross-entropy is a note: Kaiming initialisation of the last layer, logits of variance 2,
stays below."""
MUCH: Final = 3.0
"""The same where the warm start takes it off."""
HUGE: Final = 100.0
"""Times the limit from which a cross-entropy that the warm start does not take off is an error: 340 nats for 10 classes. (24
residual blocks without normalisation begin at 93, and how to train them is the stability stages' business.)"""
LITTLE_SQUARED: Final = 5.0
"""Squared errors up to 10 times the variance are a note: outputs of the usual scale against targets of a third of it."""
MUCH_SQUARED: Final = 25.0
"""The same where the warm start takes them off: outputs of seven times the targets' scale; and where it is the targets that are
seven standard deviations from zero (house prices, ages, counts lie within five). (A Kaiming-initialised autoencoder
begins at 14 times the variance of its pixels; a last layer 100 times too large at 80 times the targets'.)"""
HUGE_SQUARED: Final = 5000.0
"""Times the limit from which squared errors that the warm start does not take off are an error: 100 standard deviations off."""
SOON: Final = 10.0
"""Warm starts of 30 steps, at the pace of the one that was made, within which outputs of the usual scale get to targets far from
zero or of small scale: a short trial."""
ORDINARY: Final = 10.0
"""Squared errors up to this, by outputs of root mean square 3 at most, come from usual initialisations (Kaiming's normal on all
layers: 4.5) meeting targets of small scale: no more harm than targets far from zero."""
EASING: Final = 3.0
"""The same for outputs that are too large: a third of the way in the warm start."""
ZEROED: Final = 10.0
"""Times the loss with zeroed last layers (unknown losses have unknown scales, hence generous)."""
OFFSET: Final = 1.5
"""Squared errors within this of what predictions of 0 would give are high because of the targets' mean."""


def judge(loss_terms: LossTerms) -> Judgement:
    """Judge the loss of the fresh model."""
    improper = [term for term in loss_terms.terms if term.unnormalised]
    if improper:
        return _no_likelihood(improper[0])
    if not loss_terms.terms:
        return _unknown(loss_terms)
    judged = [term for term in loss_terms.terms if _is_comparable(term)]
    if not judged:
        reason = (
            "there is nothing to compare with: the targets do not vary or cannot be reached, or the classes are the other "
            "examples of the batch, or the scores have a scale that is chosen, as cosine scores have"
        )
        return NotAssessed(rule=RULE, reason=reason)
    worst = max(judged, key=_excess)
    if _excess(worst) <= 1:
        return Passed(
            rule=RULE, text=f"the loss begins at {worst.value:.3g}, an uninformed one is {worst.uninformed:.3g}"
        )
    return _high(worst)


def _is_comparable(term: LossTerm) -> bool:
    """Return whether an uninformed prediction's loss means something here, and what is wrong has no name of its own."""
    limits = term.limits
    out_of_reach = limits is not None and ((limits.missed or 0.0) >= WARNING or (limits.floor or 0.0) >= WARNING)
    outside = (term.targets_outside or 0.0) >= OUTSIDE or (term.labels is not None and term.labels.outside > 0)
    named = bool(term.probabilities) or out_of_reach or outside
    return term.head and not term.by_design and term.uninformed > 0 and not math.isnan(term.value) and not named


def _limit(term: LossTerm) -> float:
    if term.kind == "squared error":
        return VARIANCES * term.uninformed
    return (1 + SHARE) * term.uninformed + NATS


def _excess(term: LossTerm) -> float:
    return term.value / _limit(term)


def _by_targets(term: LossTerm) -> bool:
    """Return whether a squared error is high because predictions begin near zero and targets don't."""
    return term.from_zero is not None and term.value <= OFFSET * term.from_zero


def _severity(term: LossTerm) -> Severity:
    excess, after, pace = _excess(term), term.warmed_value, _warm_starts(term)
    gone = after is not None and after <= _limit(term)
    squared = term.kind == "squared error"
    little, much, huge = (LITTLE_SQUARED, MUCH_SQUARED, HUGE_SQUARED) if squared else (LITTLE, MUCH, HUGE)
    usual = _by_targets(term) or (squared and term.value <= ORDINARY)
    little = MUCH_SQUARED if _by_targets(term) else little
    if excess <= little or (excess <= much and (gone or pace <= EASING)):
        return "note"
    if usual and (gone or pace <= SOON):
        return "note"
    return "error" if excess > huge and not gone and pace > EASING else "warning"


def _warm_starts(term: LossTerm) -> float:
    """Return how many warm starts it takes, at the pace of the one that was made, to get to the uninformed loss.

    The distance is that of the outputs: the root of what a squared error is above it.
    """
    if term.warmed_value is None or not term.warmed_value < term.value:
        return math.inf
    power = 0.5 if term.kind == "squared error" else 1.0
    before = max(term.value - term.uninformed, 0.0) ** power
    after = max(term.warmed_value - term.uninformed, 0.0) ** power
    return before / (before - after) if after < before else math.inf


def _high(term: LossTerm) -> Finding:
    squared = term.kind == "squared error"
    against = "the targets' variance" if squared else f"{'ln 2' if term.classes is None else f'ln {term.classes}'}"
    after = term.warmed_value
    warmed = "" if after is None else f" After the warm start it is {after:.3g}."
    if squared and _by_targets(term):
        cause = (
            "Predictions begin near zero and the targets do not: their mean is far from zero for their spread. Training "
            "has to move the whole output there first. Subtract the targets' mean and divide by their standard deviation, "
            "or set the last layer's bias to the mean."
        )
    else:
        cause = (
            "The fresh model's outputs are far too large: it is confidently wrong, and the first steps go into undoing that "
            "(the hockey stick at the beginning of the curve), with gradients that fit nothing else. Look at the scale of the "
            "inputs and of the last layer's initialisation; a last layer initialised at zero begins at the uninformed loss."
        )
    return Finding(
        rule=RULE,
        severity=_severity(term),
        title=f"The {term.kind} begins at {term.value:.3g}; a prediction that knows nothing has {term.uninformed:.3g} ({against})",
        detail=f"That is {term.value / term.uninformed:.3g} times as much.{warmed} {cause}",
        evidence={
            "initial_loss": term.value,
            "uninformed_loss": term.uninformed,
            "limit": _limit(term),
            "after_warm_start": after,
            "loss": term.kind,
            "classes": term.classes,
        },
        fixes=() if squared and _by_targets(term) else ("reinitialize", "normalize-inputs"),
        locations=places(term.location),
    )


def _no_likelihood(term: LossTerm) -> Finding:
    return Finding(
        rule=RULE,
        severity="error",
        title=f"The negative log-likelihood begins at {term.value:.3g}: its input holds no log-probabilities",
        detail=f"What stands for the log-probabilities of {term.classes} classes has values above 0, and its exponentials do "
        "not sum to 1. Such a loss has no floor at 0: it falls for as long as outputs grow (raw scores), or is linear in "
        "the probabilities (those of a softmax), and does not fit the classes. Give nll_loss the result of log_softmax, or "
        "give cross_entropy the raw scores.",
        evidence={"initial_loss": term.value, "classes": term.classes},
        locations=places(term.location),
    )


def _unknown(loss_terms: LossTerms) -> Judgement:
    zeroed, loss, after = loss_terms.zeroed_loss, loss_terms.loss, loss_terms.warmed_loss
    if zeroed is None or not math.isfinite(zeroed) or zeroed <= 0:
        reason = "nothing in the loss is recognised, and its last layers could not be zeroed for comparison: what an uninformed prediction costs is unknown"
        return NotAssessed(rule=RULE, reason=reason)
    least = loss_terms.least_ratio
    if least is None or not min(least, loss / zeroed) > ZEROED:
        return Passed(rule=RULE, text=f"the loss begins at {loss:.3g}; {zeroed:.3g} with the last layers zeroed")
    gone = after is not None and after <= ZEROED * zeroed
    return Finding(
        rule=RULE,
        severity="note" if gone else "warning",
        title=f"The loss begins at {loss:.3g}; with the last layers zeroed it would be {zeroed:.3g}",
        detail=f"The fresh model's outputs make the loss {loss / zeroed:.3g} times what outputs of zero would give"
        + ("" if after is None else f", and {after / zeroed:.3g} times after the warm start")
        + ". They are far too large: look at the scale of the inputs and of the last layer's initialisation.",
        evidence={"initial_loss": loss, "zeroed_loss": zeroed, "after_warm_start": after},
        fixes=("reinitialize", "normalize-inputs"),
    )
