"""Weight decay or a penalty in the loss outweighs what the data asks for.

## What it checks
Weight decay, and terms of the loss that depend on parameters alone and pull them towards zero (L2, L1, norms), over a short
warm start at the user's learning rate: how strongly they pull beside the data, and what they cost.

## How it is decided
Strength is a ratio of norms over the entries that get a gradient from the data. Weight decay added to the gradient (SGD,
Adam): |wd w| / |g|, g as clipped. Weight decay applied to the weights (AdamW; measured on steps without gradient, not read off
the name): |lr wd w| / |rest of the update|. A penalty: its gradient over that of the rest of the loss. The median over the
steps counts, or that of the first five where it is larger.

Strength above 1 alone proves nothing: a model that is trained already has hardly any gradient left. So where it is above 0.5,
or the weights lost half of their norm, the same warm start is made once more, same seed and batches, without weight decay and
penalties. What that saves, as a share of what it achieves, is the cost. From a strength of 3 on (of 1 where the weights lost
half of their norm), a cost of more than 10 % is a warning; an error if it is more than half, if the strength is above 10 (or 1,
likewise), or if only the training without regularisation stays finite. Below, only a cost of more than half counts, as an
error.
Where neither training gets below the best constant prediction, vanishing gradients for instance, the cost is not known: an
error where the weights lost half of their norm at a strength above 1, or where above a strength of 10 the regulariser adds
more to the loss than the data's whole loss (or is decoupled); else it stays open.

## Measured
Named 4 of its 4 faults.
An error or a warning on 0 of 96 sound workloads, and beside 0 of 73 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Divide the weight decay (or the factor of the penalty) until it pulls at most a tenth of what the data does: 1e-4 to 1e-2 for
SGD, 0.01 to 0.1 for AdamW are customary. Sums over parameters grow with the model: a penalty is usually a factor of 1e-5 to
1e-3 on a sum of squares.

## References
Loshchilov and Hutter 2019 (decoupled weight decay). Krogh and Hertz 1991 (weight decay). PROTOCOL 2.7 for 10 % and 50 %.
"""

import math
from typing import Final

from trainsense.records.evidence import Pull, RegularizationCheck
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed
from trainsense.records.location import Location

RULE = "over-regularized"
OUTWEIGHS: Final = 1.0
"""Strength from which a regulariser outweighs the data. Largest on sound fresh nets: 0.25 with AdamW at 0.1, 0.3 with SGD at
0.01, 0.15 with a penalty of 1e-3 (MLPs with and without BatchNorm, sigmoid nets, an embedding)."""
CLEARLY_OUTWEIGHS: Final = 3.0
"""Below this only a large cost counts: SGD at 0.01 reached 2.3 on a sound small language model whose embedding starts at
N(0, 1), and cost little for long."""
FAR_OUTWEIGHS: Final = 10.0
"""SGD at 1 has 14, AdamW at 100 has 15, a penalty of 10 sum(w^2) has 380 on a small MLP."""
SHRUNK: Final = 0.5
"""Weights that lost half of their norm in 30 steps."""
COSTS: Final = 0.1
"""Share of the loss drop, as for a learning rate that is off (PROTOCOL 2.7)."""
COSTS_MOST: Final = 0.5
"""Likewise for an error."""
SMALLEST_DROP: Final = {True: 1e-4, False: 1e-2}
"""Share of the loss that has to be achieved without regularisation for a cost to mean anything: where the regulariser clearly
outweighs the data, and where it does not."""
TRAINED: Final = 0.5
"""A start that lies this share below the best constant prediction's loss is trained already: its drop counts from there."""
_NAMES: Final = {
    "coupled": "Weight decay of {:g}",
    "decoupled": "Decoupled weight decay of {:g}",
    "penalty": "A penalty on the parameters in the loss",
}


def judge(check: RegularizationCheck) -> Judgement:
    """Judge strength and cost."""
    if not check.steps:
        return NotAssessed(rule=RULE, reason="no step of the warm start was made")
    pulls = [pull for pull in check.pulls if pull.strength > OUTWEIGHS or pull.shrunk < SHRUNK]
    if not pulls:
        strongest = max((pull.strength for pull in check.pulls), default=0.0)
        return Passed(rule=RULE, text=f"regularisation pulls {strongest:.2g} times as strongly as the data")
    worst = max(pulls, key=lambda pull: pull.strength)
    clearly = worst.strength > (OUTWEIGHS if worst.shrunk < SHRUNK else CLEARLY_OUTWEIGHS)
    cost = _cost(check, SMALLEST_DROP[clearly])
    if cost is None and not _overwhelms(worst, check):
        reason = (
            f"{_name(worst)} pulls {worst.strength:.2g} times as strongly as the data, but the warm start achieves nothing "
            "without it either, so that what it costs is not known; a learning rate at which the model trains would settle it"
        )
        return NotAssessed(rule=RULE, reason=reason)
    if cost is not None and cost <= (COSTS if clearly else COSTS_MOST):
        return Passed(rule=RULE, text=f"{_name(worst)} costs {max(cost, 0.0):.0%} of the warm start's loss drop")
    return _finding(check, worst, cost)


def _cost(check: RegularizationCheck, smallest: float) -> float | None:
    """Return what regularisation costs as a share of what the warm start achieves without it; None if that is nothing."""
    if check.loss_without is None or not math.isfinite(check.loss_without):
        return None
    start, trivial = check.initial_loss, check.constant_loss
    if trivial is not None:
        start = trivial if trivial - start > TRAINED * abs(trivial) else min(start, trivial)
    drop = start - check.loss_without
    if not drop > smallest * abs(start):
        return None
    return (check.loss - check.loss_without) / drop if math.isfinite(check.loss) else math.inf


def _overwhelms(pull: Pull, check: RegularizationCheck) -> bool:
    """Return whether a regulariser is bound to win, whatever the steps so far achieve."""
    if pull.shrunk < SHRUNK and pull.strength > OUTWEIGHS:
        return True
    return pull.strength > FAR_OUTWEIGHS and (pull.value is None or pull.value > abs(check.initial_loss))


def _finding(check: RegularizationCheck, pull: Pull, cost: float | None) -> Finding:
    far = OUTWEIGHS if pull.shrunk < SHRUNK else FAR_OUTWEIGHS
    severe = cost is None or cost > COSTS_MOST or pull.strength > far
    diverges = not math.isfinite(check.loss)
    paid = "training diverges" if diverges else f"the loss goes from {check.initial_loss:.3g} to {check.loss:.3g}"
    without = (
        "" if cost is None else f"; without weight decay and penalties the same steps end at {check.loss_without:.3g}"
    )
    weights = (
        f"the weights keep {pull.shrunk:.0%} of their norm" if math.isfinite(pull.shrunk) else "the weights overflow"
    )
    return Finding(
        rule=RULE,
        severity="error" if severe else "warning",
        title=f"{_name(pull)} {_does(check, pull)}",
        detail=f"In {check.steps} steps at your learning rate {paid}{without}. Meanwhile {weights}. A pull towards zero that "
        "outweighs the data leaves a model that predicts the same for everything. Divide it until it pulls at most a tenth of "
        "what the data does: 1e-4 to 1e-2 is customary for SGD, 0.01 to 0.1 for AdamW, 1e-5 to 1e-3 on a sum of squares in the "
        "loss.",
        evidence={
            "strength": pull.strength,
            "cost": cost,
            "kind": pull.kind,
            "coefficient": pull.coefficient,
            "weights_kept": pull.shrunk,
            "initial_loss": check.initial_loss,
            "loss": check.loss,
            "loss_without": check.loss_without,
        },
        locations=(Location(file=pull.file, line=pull.line),) if pull.file else (),
    )


def _does(check: RegularizationCheck, pull: Pull) -> str:
    if pull.strength > OUTWEIGHS:
        return f"pulls {pull.strength:.2g} times as strongly as the data"
    return f"takes the weights down to {pull.shrunk:.0%} of their norm in {check.steps} steps"


def _name(pull: Pull) -> str:
    return _NAMES[pull.kind].format(pull.coefficient)
