"""The labels do not fit the head: outside its classes, or far from filling it.

## What it checks
The class labels of up to 64 training batches (where they are a tensor of the batch; else those of the batches that the loss was
computed on) against the number of scores; the targets of binary cross-entropies against [0, 1].

## How it is decided
A label that is no class of the head, the ignored one aside, is an error: torch raises, or reads another example's memory, when it
comes. Binary targets outside [0, 1] for 1 % of the elements are an error: the loss has no lower bound then. A single class
in all batches is a warning: nothing can be told apart. A head of which a quarter at most is ever seen, with enough examples
to tell (none of the classes seen came only once, and 20 examples for each), is a warning, below a half a note; only a note, too, where
classes are a vocabulary that the inputs are drawn from.

## Measured
Named 4 of its 4 faults.
An error or a warning on 0 of 96 sound workloads, and beside 0 of 73 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Count classes from 0 (`labels - 1`), give the head as many outputs as there are classes, mark labels to be left out with
`ignore_index`; map {-1, 1} to {0, 1} for binary cross-entropies.

## References
torch.nn.CrossEntropyLoss: class indices in [0, C); I. J. Good (1953): without classes seen once, next to nothing is unseen.
"""

from typing import Final

from trainsense.records.evidence import Labels, LossTerm, LossTerms
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed, Severity
from trainsense.rules.places import places

RULE = "labels-mismatch"
OUTSIDE: Final = 0.01
"""Share of binary targets outside [0, 1] that is no rounding and no stray value."""
MOSTLY_EMPTY: Final = 0.25
"""A head of which no more is ever seen has been made for other labels."""
HALF_EMPTY: Final = 0.5
"""Worth knowing."""
EXAMPLES: Final = 20
"""Examples for each class seen, so that what was not seen is not merely rare."""


def judge(loss_terms: LossTerms) -> Judgement:
    """Judge labels and binary targets."""
    found = [one for term in loss_terms.terms if (one := _judged(term)) is not None]
    if found:
        return min(found, key=lambda one: ("error", "warning", "note").index(one.severity))
    known = [term for term in loss_terms.terms if term.labels is not None or term.targets_outside is not None]
    if not known:
        return NotAssessed(rule=RULE, reason="no loss was recognised that takes class labels or binary targets")
    return Passed(rule=RULE, text="the labels fit the head")


def _judged(term: LossTerm) -> Finding | None:
    if term.targets_outside is not None:
        return _binary(term) if term.targets_outside >= OUTSIDE else None
    if term.labels is None or term.classes is None:
        return None
    if term.labels.outside:
        return _outside(term, term.labels, term.classes)
    return _unfilled(term, term.labels, term.classes)


def _binary(term: LossTerm) -> Finding:
    return Finding(
        rule=RULE,
        severity="error",
        title=f"Targets of the binary cross-entropy run from {term.target_low:.3g} to {term.target_high:.3g}, outside [0, 1]",
        detail=f"{term.targets_outside or 0.0:.0%} of them lie outside. They stand for probabilities: beyond [0, 1] the loss has no "
        "lower bound, it falls for as long as the scores grow. Map the classes to 0 and 1 ({-1, 1}: (y + 1) / 2; {1, 2}: y - 1); "
        "for values that are no probabilities take a squared error.",
        evidence={
            "share_outside": term.targets_outside,
            "lowest_target": term.target_low,
            "highest_target": term.target_high,
        },
        locations=places(term.location),
    )


def _evidence(labels: Labels, classes: int) -> dict[str, int | str | None]:
    return {
        "classes": classes,
        "lowest_label": labels.low,
        "highest_label": labels.high,
        "labels_outside": labels.outside,
        "first_batch_outside": labels.first_outside,
        "classes_seen": labels.seen,
        "examples": labels.examples,
        "batches": labels.batches,
        "where": labels.where,
    }


def _outside(term: LossTerm, labels: Labels, classes: int) -> Finding:
    extreme = labels.low if labels.low < 0 else labels.high
    counted = " They seem to be counted from 1." if labels.low == 1 and labels.high == classes else ""
    where = f" of {labels.where}" if labels.where else ""
    return Finding(
        rule=RULE,
        severity="error",
        title=f"Label {extreme} in batch {labels.first_outside}, but the head has {classes} classes, 0 to {classes - 1}",
        detail=f"{labels.outside} labels{where} in {labels.batches} batches are no class of the head: training stops there, or, on a "
        f"GPU, the whole process does.{counted} Give the head an output for every class, count labels from 0, or mark those "
        "to be left out with ignore_index.",
        evidence=_evidence(labels, classes),
        locations=places(term.location),
    )


def _unfilled(term: LossTerm, labels: Labels, classes: int) -> Finding | None:
    if not labels.where or classes < 2 or not labels.seen:
        return None
    share = labels.seen / classes
    certain = labels.seen_once == 0 and labels.examples >= EXAMPLES * labels.seen
    if not certain or (labels.seen > 1 and share >= HALF_EMPTY):
        return None
    severe = labels.seen == 1 or share <= MOSTLY_EMPTY
    severity: Severity = "warning" if severe and not labels.vocabulary else "note"
    if labels.seen == 1:
        title = f"All {labels.examples} labels looked at are {labels.low}"
        detail = (
            f"In {labels.batches} batches no other class came: a constant prediction fits them all. Is the data sorted by "
            "class, or the label read from the wrong column?"
        )
    else:
        title = f"Of the head's {classes} classes only {labels.seen} occur among {labels.examples} examples"
        detail = (
            f"Labels run from {labels.low} to {labels.high}; each class that occurs does so several times, so the others are "
            "hardly just rare. Outputs without examples only learn to stay low, and the initial loss counts them in. Is the "
            "head made for other labels (1000 classes of a pretrained model), or the data sorted by class?"
        )
    return Finding(
        rule=RULE,
        severity=severity,
        title=title,
        detail=detail,
        evidence=_evidence(labels, classes),
        locations=places(term.location),
    )
