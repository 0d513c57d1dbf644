"""What enters the model is far from zero mean and unit scale.

## What it checks
What the first linear, convolutional and recurrent layers read, on several training batches, before any parameter has been
applied to it: after whatever preprocessing data, loss and model do themselves. Inputs that pass a normalisation layer first, and
tokens that are looked up, are exempt.

## How it is decided
Features that vary are looked at (channels for convolutions). A warning, if any of these holds:

- the root mean square over all features is above 30 (above 10: a note), or below 0.01 (of the values that are not zero, and with
  less than 0.3 for a whole row);
- a feature's is above 10 and more than 100 times what is usual among the features;
- the mean lies more than 10 standard deviations from zero.

Small features beside ordinary ones, sparse and one-hot columns, and constant columns are no finding.

## Measured
Named 4 of its 4 faults.
An error or a warning on 0 of 96 sound workloads, and beside 0 of 73 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Standardise each feature: subtract its mean over the training set and divide by its standard deviation.

## References
LeCun et al. 1998, section 4.3. Measured on digits (standardised as a whole), MLPs and a CNN, 150 steps, lowest held-out loss
over the learning rates of Adam and of SGD: as they are 0.27 to 0.38; times 10 and 30 0.19 to 0.39 (with ReLU, SGD no longer trains
at the lr that was best before); times 100 0.44 to 0.71; times 1000 0.64 to 6.8; times 0.1 0.37 to 0.42, times 0.03 0.41 to 0.66, times 0.01
0.54 to 2.0. One feature times 10 or 30: 0.34 to 0.47; times 100 0.47 to 0.56; times 1000 0.97 to 1.7. Mean of 3 standard deviations
0.41 to 0.56, of 5 0.6 to 1.3, of 10 0.85 to 2.1, whether scaled by 0.1, 0.3 or 1 (MLPs, 100 to 150 steps).
"""

from typing import Final

from trainsense.records.evidence import EntryScale, InputScales
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed

RULE = "input-not-normalized"
LARGE: Final = 30.0
"""Root mean square, between 10 and 100: at 30 the loss at the best lr does not suffer yet, though with ReLU SGD no longer trains at
the lr that was best for unit scale; at 100 it does."""
NOTABLE: Final = 10.0
"""Root mean square from which it is worth a note; no harm was measured."""
SMALL: Final = 0.01
"""Root mean square below which the loss suffers at every lr."""
SMALL_ROW: Final = 0.3
"""Norm of all that a unit reads: digits scaled to rows of norm 1 trained to 0.42, to norm 0.08 to 0.5 to 0.9 (64 features)."""
OFF_CENTRE: Final = 10.0
"""Standard deviations between the mean and zero: most of the loss drop is lost."""


def judge(scales: InputScales) -> Judgement:
    """Judge every entry; the worst one is told."""
    if not scales.entries:
        return NotAssessed(
            rule=RULE,
            reason="no layer was seen that reads the data itself: inputs are tokens or pass parameters first, or the first layers "
            "are frozen or hidden from autograd",
        )
    warnings = [(entry, told) for entry in scales.entries if (told := _fault(entry)) is not None]
    if warnings:
        return _finding(*warnings[0], scales)
    large = [entry for entry in scales.entries if entry.rms > NOTABLE]
    if large:
        return _note(large[0], scales)
    entry = scales.entries[0]
    return Passed(rule=RULE, text=f"what enters the model has mean {entry.mean:.2g} and deviation {entry.std:.2g}")


def _fault(entry: EntryScale) -> tuple[str, str] | None:
    """Return `(title, what it does)` of what is wrong at an entry, None if nothing is."""
    top = entry.largest[0]
    if entry.above_usual and top.rms > NOTABLE and 2 * entry.above_usual <= entry.varying:
        features = "feature" if entry.above_usual == 1 else f"and {entry.above_usual - 1} more features"
        return (
            f"Input feature {top.index} has a root mean square of {top.rms:.3g}, {top.rms / entry.usual_rms:.3g} times what is usual",
            (
                f"{'One' if entry.above_usual == 1 else 'Feature ' + str(top.index)} {features} of {entry.features} "
                "outweighs all others together: gradients of the first layer are its own, and an lr that is small enough for it is too "
                "small for the rest."
            ),
        )
    if entry.rms > LARGE:
        return (
            f"Inputs have a root mean square of {entry.rms:.3g}",
            (
                "The first layer's outputs and gradients grow with it: the first updates are as many times too large, and only "
                "much lower learning rates train."
            ),
        )
    if entry.nonzero_rms < SMALL and entry.nonzero_rms * entry.read_together**0.5 < SMALL_ROW:
        return (
            f"Inputs have a root mean square of {entry.nonzero_rms:.3g}",
            (
                "The first layer then hardly tells one example from another, and its weights have to grow by as much before "
                "it does."
            ),
        )
    if entry.mean > OFF_CENTRE * entry.std:
        return (
            f"Inputs have a mean of {entry.mean:.3g} at a standard deviation of {entry.std:.3g}",
            (
                "What all examples share outweighs what tells them apart: the first layer's weights are driven by the mean, and the "
                "loss surface becomes as narrow as the square of that ratio."
            ),
        )
    return None


def _finding(entry: EntryScale, told: tuple[str, str], scales: InputScales) -> Finding:
    return Finding(
        rule=RULE,
        severity="warning",
        title=f"{told[0]}{_where(entry)}",
        detail=f"Over {scales.batches} training batches, what enters the model has mean {entry.mean:.3g} and standard "
        f"deviation {entry.std:.3g} (root mean squares over {entry.varying} features that vary). {told[1]} Standardise each "
        "feature: subtract its mean over the training set and divide by its standard deviation.",
        evidence=_numbers(entry),
        fixes=("normalize-inputs",),
        locations=(entry.location,),
    )


def _note(entry: EntryScale, scales: InputScales) -> Finding:
    return Finding(
        rule=RULE,
        severity="note",
        title=f"Inputs have a root mean square of {entry.rms:.3g}{_where(entry)}",
        detail=f"Over {scales.batches} training batches; features of unit scale allow larger learning rates. At this "
        "scale no harm was measured; standardise them if training turns out touchy.",
        evidence=_numbers(entry),
        fixes=("normalize-inputs",),
        locations=(entry.location,),
    )


def _where(entry: EntryScale) -> str:
    return f" where {entry.location.module} reads them" if entry.location.module else ""


def _numbers(entry: EntryScale) -> dict[str, float | int | list[int]]:
    return {
        "rms": entry.rms,
        "mean": entry.mean,
        "std": entry.std,
        "usual_rms": entry.usual_rms,
        "features": entry.features,
        "varying_features": entry.varying,
        "largest_features": [one.index for one in entry.largest],
        "largest_rms": entry.largest[0].rms,
    }
