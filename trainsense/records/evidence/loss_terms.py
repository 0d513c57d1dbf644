"""Evidence of the look at the loss: what it is made of, what goes in, and where it begins."""

from dataclasses import dataclass
from typing import Literal

from trainsense.records.location import Location

LossKind = Literal[
    "cross-entropy",
    "negative log-likelihood",
    "binary cross-entropy",
    "binary cross-entropy with logits",
    "squared error",
]
"""Absolute, Huber and Gaussian losses count as "squared error": they compare the same predictions with the same targets."""


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Class labels of one loss, over many batches.

    Attributes:
        where: the batch's tensor that they are, `batch[1]`; empty where they were made or changed on the way to the loss.
        low: smallest label, ignored ones left out.
        high: largest label.
        outside: number of labels that are no class of the head.
        first_outside: index of the first batch with one, None without any.
        batches: number of batches looked at.
        examples: number of examples (rows of the label tensor) with a label.
        seen: number of different classes seen.
        seen_once: number of classes seen in a single example.
        vocabulary: whether the classes are a vocabulary that the inputs are drawn from too.
    """

    where: str
    low: int
    high: int
    outside: int
    first_outside: int | None
    batches: int
    examples: int
    seen: int
    seen_once: int
    vocabulary: bool


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the operation that gives the predictions keeps them within.

    Attributes:
        operation: autograd's name for it, "Sigmoid".
        low: lower bound of its results, -inf without one.
        high: upper bound, inf without one.
        location: where it is called.
        missed: for squared errors, mean squared distance of the targets to the bounds, over the targets' variance; inf where
            all targets are the same and out of reach.
        floor: for cross-entropies, the lowest loss within the bounds, above that without them, in nats.
        dead_classes: number of classes whose score is at the lower bound for every example looked at, at initialisation and
            after the warm start; None where scores are not bounded by a ReLU.
    """

    operation: str
    low: float
    high: float
    location: Location
    missed: float | None = None
    floor: float | None = None
    dead_classes: int | None = None


@dataclass(frozen=True, kw_only=True)
class LossTerm:
    """One recognised part of the loss: predictions compared with targets.

    Values are means over examples (over elements for regression and binary targets), whatever the user's reduction, weights
    and coefficients; those of squared errors are mean squared errors.

    Attributes:
        kind: what it is.
        location: where the loss is called, and the module whose parameters give its predictions.
        count: number of predictions behind the figures.
        value: of the fresh model.
        warmed_value: of the model after its warm start, None if that could not be looked at.
        uninformed: value of the best prediction that knows nothing of its input: ln(classes), ln 2, or the variance of the
            targets around their means; 0 where targets do not vary.
        from_zero: for squared errors, mean square of the targets: the value of predictions that are all 0.
        classes: width of the head for class labels, else None.
        head: whether labels come with the data and mean the same class in every batch (they do not where the other examples of
            the batch are the classes, as in contrastive losses).
        by_design: whether the scale of the scores is chosen, not initialised: the weight of their layer is normalised, as for
            cosine scores.
        limits: of the predictions, None where nothing limits them.
        probabilities: "softmax" or "sigmoid" if scores that go into a softmax (or a sigmoid) are probabilities already.
        unnormalised: whether what stands for log-probabilities has values above 0 and does not sum to 1 as probabilities.
        targets_outside: share of binary targets outside [0, 1], None for other kinds.
        target_low: smallest target of a binary or squared-error term.
        target_high: largest one.
        labels: class labels, None for other targets.
    """

    kind: LossKind
    location: Location
    count: int
    value: float
    warmed_value: float | None
    uninformed: float
    from_zero: float | None = None
    classes: int | None = None
    head: bool = True
    by_design: bool = False
    limits: Limits | None = None
    probabilities: Literal["", "softmax", "sigmoid"] = ""
    unnormalised: bool = False
    targets_outside: float | None = None
    target_low: float | None = None
    target_high: float | None = None
    labels: Labels | None = None


@dataclass(frozen=True, kw_only=True)
class Broadcast:
    """A combination of predictions with targets in which each example meets the targets of all others.

    Attributes:
        operation: torch's name of it: "sub", "mse_loss".
        predictions: shape of what depends on the model.
        targets: shape of what does not.
        result: shape that they are broadcast to.
        location: where it is called.
    """

    operation: str
    predictions: tuple[int, ...]
    targets: tuple[int, ...]
    result: tuple[int, ...]
    location: Location


@dataclass(frozen=True, kw_only=True)
class LossTerms:
    """What the loss is made of.

    Attributes:
        terms: recognised parts, in the order in which they are computed.
        broadcasts: combinations that are broadcast across examples.
        examples: examples in the largest batch looked at.
        batches: number of batches that the loss was computed on.
        loss: the user's loss of the fresh model, mean over those batches.
        warmed_loss: the same after the warm start, None if that could not be looked at.
        zeroed_loss: the same for the fresh model with its last layers zeroed; None where terms are recognised, or it could
            not be had.
        least_ratio: smallest ratio of the loss to that with zeroed last layers over the batches, None where one of the
            latter is not positive.
    """

    terms: tuple[LossTerm, ...]
    broadcasts: tuple[Broadcast, ...]
    examples: int
    batches: int
    loss: float
    warmed_loss: float | None
    zeroed_loss: float | None
    least_ratio: float | None = None
