"""Batch normalisation draws its statistics from so few examples that they are mostly noise.

## What it checks
From how many examples, and numbers per channel, each batch normalisation layer takes mean and variance in training mode.
Positions of one example (pixels, time steps) resemble each other, so the effective number of independent values is
measured: values / (1 + (positions - 1) c), c their intraclass correlation. Layers in evaluation mode, and layer, group and
instance norms are left alone.

## How it is decided
A warning at 4 examples or fewer with at most 8 independent values per channel; a note at 8 examples or fewer. Measured on
handwritten digits, loss drop lost against LayerNorm or GroupNorm, each at its best lr: perceptron, 2 examples: 66 %; 3: 29 %;
4: 12 %; 6: 4 %; 8: 2 %; 16: nothing. Convolutional network, 2 examples: 32 and more independent values nothing; 11: 3 to
5 %; 10, with strongly differing images: 10 %.

## Measured
Named 2 of its 2 faults.
An error or a warning on 0 of 96 sound workloads, and beside 0 of 75 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
GroupNorm or LayerNorm, which do not look at other examples; or larger batches. Accumulating gradients does not help: each
batch is still normalised by itself.

## References
Wu and He 2018, Group normalization, figure 1. Ioffe 2017, Batch renormalization.
"""

from typing import Final

from trainsense.records.evidence import Architecture
from trainsense.records.finding import Finding, Judgement, Passed
from trainsense.records.location import Location

RULE: Final = "small-batch-norm"
FEW: Final = 4
"""Examples: 12 % of the loss drop lost (measured, see the page)."""
SOME: Final = 8
"""Examples: 2 % lost (measured, see the page)."""
NOISY: Final = 8.0
"""Independent values per channel, where examples have several positions (measured, see the page)."""


def judge(architecture: Architecture) -> Judgement:
    """Judge how much the statistics are drawn from."""
    norms = architecture.batch_norms
    small = [one for one in norms if one.examples <= SOME]
    if not small:
        few = min((one.examples for one in norms), default=None)
        return Passed(
            rule=RULE, text="no batch normalisation in training mode" if few is None else f"{few} examples or more"
        )
    noisy = [one for one in small if one.examples <= FEW and one.independent <= NOISY]
    worst = min(noisy or small, key=lambda one: one.independent)
    return Finding(
        rule=RULE,
        severity="warning" if noisy else "note",
        title=f"BatchNorm normalises by the statistics of {worst.examples} examples",
        detail=f"{len(noisy or small)} of {len(norms)} batch normalisation layers see {worst.examples} examples at once, "
        f"about {worst.independent:.0f} independent values per channel. Means and variances of so few are mostly noise, and "
        "evaluation uses other ones than training. GroupNorm or LayerNorm do not look at other examples; larger batches help "
        "too, accumulated gradients do not.",
        evidence={
            "examples": worst.examples,
            "values_per_channel": worst.values,
            "independent_values": worst.independent,
            "layers": len(noisy or small),
            "modules": [one.module for one in noisy or small],
        },
        fixes=("larger-batch",),
        locations=tuple(Location(module=one.module) for one in noisy or small),
    )
