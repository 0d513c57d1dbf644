"""A softmax stands between layers of the model.

## What it checks
What every linear, convolutional and recurrent layer behind another one reads, by its values: whatever wrote it, a softmax
module, a function or a few lines of arithmetic. Also softmax operations across the examples of the batch.

## How it is decided
On every batch, every row a layer reads is non-negative and sums to 1 over at least two features (for a logarithm of
probabilities, its exponentials do), and all that the layers before it compute reaches the loss through it alone: a warning,
and an error where the model, after its warm start, is not 2 % better than a constant prediction. A softmax across the batch
between layers is an error. Logarithms of probabilities are a note. Attention, gates and mixtures
multiply their probabilities with other data and are no such layer; nor is a table without a bias that they weigh (a learned
memory), a sample of categories that is drawn anew at each call, a hard choice, or probabilities that a residual connection
leads around.

## Measured
Named 3 of its 3 faults and 0 of 1 that another rule may name as well.
An error or a warning on 0 of 96 sound workloads, and beside 0 of 73 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Replace it by ReLU, GELU or tanh; keep a softmax for the output, and leave even that to the loss where it applies its own.

## References
Measured on digits, 150 steps, two layers of 16 and of 128 units, loss with ReLU and with softmax: at Adam's customary lr of
1e-3 0.92 and 2.07, 0.21 and 2.05; each at its own best lr 0.09 and 0.48, 0.036 and 0.12; with a ReLU layer before it 0.09 and
0.62. Followed by batch normalisation (0.06), inside residual branches (0.06), or as log-softmax (0.09) it did no harm with Adam.
"""

from typing import Final

from trainsense.records.evidence import InnerSoftmax, NormalisedInput, WarmStart
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed, Severity

RULE = "inner-softmax"
CLEARLY_BETTER: Final = 0.02
"""Share of a constant prediction's loss by which 30 steps of Adam at 1e-3 end below it on digits, 16 to 128 units, 3 seeds: 6 %
to 42 % with ReLU, at most 1.4 % with a softmax in its place."""


def judge(softmax: InnerSoftmax, warm: WarmStart | None) -> Judgement:
    """Judge what the layers read."""
    found = [one for one in softmax.normalised if one.only_way and not one.sampled and not one.lookup]
    hard = [one for one in found if one.kind != "log-softmax"]
    if found:
        return _finding(hard or found, softmax, warm)
    if not softmax.layers_seen:
        return NotAssessed(
            rule=RULE, reason="no layer behind another one was seen: parts that autograd does not record stay unseen"
        )
    return Passed(rule=RULE, text=f"none of {softmax.layers_seen} hidden layers reads probabilities alone")


def _finding(found: list[NormalisedInput], softmax: InnerSoftmax, warm: WarmStart | None) -> Finding:
    first = found[0]
    where = f" ({first.location.module})" if first.location.module else ""
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return Finding(
        rule=RULE,
        severity=_severity(first, warm),
        title=f"A layer{where} reads {_WHAT[first.kind].format(first.features)}{more}",
        detail=f"On all {softmax.batches} batches, {_SUM[first.kind]}{_size(first)}. {_WHY[first.kind]} Replace it by ReLU, GELU or "
        "tanh, or leave it out; at the output leave it to the loss if that applies its own.",
        evidence={
            "layers": [one.location.module for one in found],
            "kind": first.kind,
            "features": first.features,
            "mean_largest_value": first.largest,
        },
        fixes=("replace-activation", "remove-softmax"),
        locations=tuple(one.location for one in found),
    )


def _severity(first: NormalisedInput, warm: WarmStart | None) -> Severity:
    if first.kind == "log-softmax":
        return "note"
    if first.kind == "batch-softmax":
        return "error"
    if warm is None or warm.constant_loss is None or warm.failed:
        return "warning"
    learnt = warm.constant_loss - warm.loss > CLEARLY_BETTER * abs(warm.constant_loss)
    return "warning" if learnt else "error"


_WHAT: Final = {
    "softmax": "{} values that sum to 1: a softmax between layers",
    "log-softmax": "{} logarithms of probabilities: a log-softmax between layers",
    "batch-softmax": "a softmax across the {} examples of the batch",
}
_SUM: Final = {
    "softmax": "what it reads is non-negative and sums to 1 in every row",
    "log-softmax": "the exponentials of what it reads sum to 1 in every row",
    "batch-softmax": "a softmax before it sums to 1 over the examples, not over the features",
}
_WHY: Final = {
    "softmax": "Units then compete for a sum of 1, each is near one over their number, and both the signal and the gradients "
    "shrink by about that factor: such networks need far longer to learn, or learn less.",
    "log-softmax": "That takes away one direction and leaves the rest as it is; it is seldom what was meant.",
    "batch-softmax": "Each example's value then depends on which others happen to be in its batch, and shrinks with the batch "
    "size; a single example always gives 1.",
}


def _size(first: NormalisedInput) -> str:
    return "" if first.largest is None else f"; its largest value is {first.largest:.2g} on average"
