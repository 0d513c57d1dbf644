"""The model cannot learn even a single batch by heart.

## What it checks
Whether training gets anywhere: the warm start at your setting, and where that has not clearly learnt, up to 200 steps on one
training batch with Adam at two learning rates and with your own optimizer. Whether the gradient is the loss's: the slope of the loss
along each parameter's gradient, measured by two evaluations. And whether the loss rewards what it measures.

## How it is decided
An error if

- at every learning rate the loss has stopped falling within at least 50 steps and is not 2 % below that of the best constant
  prediction (less where there are far more examples than parameters: a tenth of what a linear model learns of noise);
- or the gradient of parameters is minus the slope of the loss (-1, within 5 %, at two step lengths);
- or your optimizer's first update goes along the gradient, not against it (their cosine above 0.3: gradient ascent);
- or the loss is made of squared errors or cross-entropies with a negative sign and of none with a positive one.

The first of these only where outputs differ between examples by 10 % of their size from the start, or not at all: where they
hardly do, learning may just be slow (memory over many steps, a vanishing signal). Between 2 % and 10 %, still falling, too slow
for 50 steps in the time there is, or where outputs cannot be replaced by constants: not assessed, with the numbers. Adversaries (gradient reversal, a generator against a discriminator) do not give -1 exactly unless
they are all there is.

## Measured
Named 4 of its 4 faults.
An error or a warning on 0 of 96 sound workloads, and beside 10 of 73 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Check the sign of the loss and of custom backward functions; that labels belong to the inputs they stand beside; that no layer
loses everything (a bottleneck of zeros, weights drawn anew at each call); that outputs are not drawn at random.

## References
Karpathy 2019, A Recipe for Training Neural Networks: "overfit one batch". Least squares learns a share p / n of pure noise
from n examples with p parameters.
"""

from typing import Final

from trainsense.records.evidence import BatchOverfit, InputDependence, OverfitAttempt
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed

RULE = "cannot-overfit-batch"
NOTHING: Final = 0.02
"""Share of a constant prediction's loss. Measured after 50 steps of Adam at 1e-2: an LSTM on the adding task over 100 steps
4 to 6 %, an autoencoder of noise 6 to 8 %, parity of 20 bits and denoising more than 40 %."""
NOISE_SHARE: Final = 0.1
"""Of parameters / examples. Measured on pure noise, 256 examples and 5 parameters, 2,000 draws: least squares learns 0.0157 on
average, and less than a tenth of 5 / 256 in 3 % of the draws."""
FEWEST_DISTINCT: Final = 0.5
"""Share of the examples whose inputs differ from all others; with fewer, labels that contradict each other bound the loss."""
TOLD_APART: Final = 0.1
"""Spread of the outputs over their size from which examples can be told apart at once. Measured: MLPs with permuted labels or
weights drawn anew 0.56 and 0.62; LSTMs that have yet to learn to remember 2e-5 (copying over 30 steps) to 0.08 (adding)."""
FLOAT_NOISE: Final = 1e-6
"""Relative change of outputs that says nothing; float32 resolves 6e-8."""
FEWEST_STEPS: Final = 50
"""Measured with Adam at 1e-2: MLPs, a CNN, recurrent nets, transformers and autoencoders had clearly learnt a batch within 10
to 30, an LSTM on the adding task over 100 steps within 110 (where it was still falling at 50)."""
FEWEST_LRS: Final = 2
"""One lr alone may be too high or too low."""
ASCENT: Final = 0.3
"""Cosine of update and gradient; measured on 172 small workloads: -1 to -0.08, and 0.56 for Adam with maximize=True."""
MINUS_ONE: Final = 0.05
"""How far a slope may lie from -1; measured behind a flipped backward function: -0.998 to -1.003."""


def judge(batch: BatchOverfit, dependence: InputDependence | None) -> Judgement:
    """Judge what came of learning one batch."""
    if batch.unseen:
        return NotAssessed(rule=RULE, reason=batch.unseen)
    if batch.maximised:
        return _maximised(batch)
    if batch.update_cosine is not None and batch.update_cosine > ASCENT:
        return _ascent(batch.update_cosine)
    if any(abs(one.slope + 1) < MINUS_ONE for one in batch.uphill):
        return _uphill(batch)
    if batch.learnt_by:
        return Passed(rule=RULE, text=f"learnt by {batch.learnt_by}")
    return _judge_attempts(batch, dependence)


def _judge_attempts(batch: BatchOverfit, dependence: InputDependence | None) -> Judgement:
    told = "; ".join(_told(one) for one in batch.attempts)
    open_question = _open_question(batch, dependence)
    if open_question:
        return NotAssessed(rule=RULE, reason=f"{open_question} ({told})")
    long = [one for one in batch.attempts if not one.failed]
    best = max(_share(one) for one in long)
    return Finding(
        rule=RULE,
        severity="error",
        title=f"One batch of {batch.examples} examples cannot be learnt: the loss stays where a constant prediction is",
        detail=f"Trained on that batch alone, {told}. At no learning rate is it {_limit(batch):.2g} of the loss below a constant "
        "prediction, and it has stopped falling. Check the signs of the loss and of custom backward functions, that labels "
        "belong to their inputs, and that no layer loses everything or is drawn anew at each call.",
        evidence={
            "best_share_below_constant": best,
            "losses": [one.loss for one in long],
            "lrs": [one.lr for one in long],
            "steps": [one.steps for one in long],
            "initial_loss": long[0].initial_loss,
        },
    )


def _open_question(batch: BatchOverfit, dependence: InputDependence | None) -> str:
    """Return what keeps the attempts from showing that nothing can be learnt; empty if they do show it."""
    ran = [one for one in batch.attempts if not one.failed]
    ignored = (
        dependence is not None
        and not dependence.unseen
        and dependence.largest_change < FLOAT_NOISE
        and not dependence.input_gradient
    )
    told_apart = batch.output_spread is not None and batch.output_spread > TOLD_APART
    reasons = (
        (batch.examples < 2, "a batch of one example has no constant prediction to be better than"),
        (batch.distinct < FEWEST_DISTINCT * batch.examples, "many examples have the same inputs"),
        (len(ran) < FEWEST_LRS, "too few trainings got through"),
        (any(one.gap is None for one in ran), "no constant prediction could be put in place of the outputs"),
        (any(one.steps < FEWEST_STEPS for one in ran), "training is too slow to tell in the time there is"),
        (any(one.falling for one in ran), "the loss was still falling"),
        (not ignored and not told_apart, "outputs hardly differ between examples, which may be learnt slowly"),
        (any(_share(one) >= _limit(batch) for one in ran), "the batch was learnt a little"),
    )
    return next((reason for holds, reason in reasons if holds), "")


def _limit(batch: BatchOverfit) -> float:
    return min(NOTHING, NOISE_SHARE * batch.parameters / batch.examples)


def _share(one: OverfitAttempt) -> float:
    constant = one.loss + (one.gap or 0.0)
    return (one.gap or 0.0) / abs(constant) if constant != 0 else float("inf")


def _told(one: OverfitAttempt) -> str:
    if one.failed:
        return f"{one.optimizer} at lr {one.lr:.3g}: {one.failed}"
    constant = "" if one.gap is None else f" (constant prediction {one.loss + one.gap:.4g})"
    return f"{one.optimizer} at lr {one.lr:.3g} went from {one.initial_loss:.4g} to {one.loss:.4g} in {one.steps} steps{constant}"


def _maximised(batch: BatchOverfit) -> Finding:
    return Finding(
        rule=RULE,
        severity="error",
        title="The loss rewards errors: it is the negative of a squared error or cross-entropy",
        detail="Each error that the loss is made of enters it with a negative sign, and training lowers the loss: the model is driven away "
        "from its targets, the further the better. Drop the minus.",
        evidence={"errors_maximised": len(batch.maximised)},
        locations=batch.maximised,
    )


def _ascent(cosine: float) -> Finding:
    return Finding(
        rule=RULE,
        severity="error",
        title="Your optimizer climbs: its first update goes along the gradient",
        detail=f"The cosine between the first update and the gradient is {cosine:.2g}; descent has a negative one. Every step raises "
        "the loss: look for maximize=True, a negative learning rate or gradients whose sign was flipped in a hook.",
        evidence={"cosine_of_update_and_gradient": cosine},
    )


def _uphill(batch: BatchOverfit) -> Finding:
    wrong = [one for one in batch.uphill if abs(one.slope + 1) < MINUS_ONE]
    more = f" and of {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return Finding(
        rule=RULE,
        severity="error",
        title=f"The gradient of {wrong[0].location.module}{more} has the wrong sign",
        detail=f"A small step along it changes the loss by {wrong[0].slope:.3g} of what it says: every update of these parameters "
        "raises the loss. A custom autograd function or a hook after them gives back the negative of its gradient.",
        evidence={"parameters": [one.location.module for one in wrong], "slopes": [one.slope for one in wrong]},
        locations=tuple(one.location for one in wrong),
    )
