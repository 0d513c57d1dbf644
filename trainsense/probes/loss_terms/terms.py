"""What a recognised part of a loss is made of."""

from dataclasses import dataclass

from torch import Tensor

from trainsense.records.evidence.loss_terms import LossKind


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Predictions and targets of the same shape.

    Attributes:
        kind: what compares them.
        op: position of the operation that does.
        source: position of the operation that the predictions come from.
        predictions: as they go in.
        targets: as they go in.
    """

    kind: LossKind
    op: int
    source: int
    predictions: Tensor
    targets: Tensor


@dataclass(frozen=True, kw_only=True)
class Classified:
    """Log-probabilities of classes and what they should be.

    Attributes:
        kind: "cross-entropy", or "negative log-likelihood" where no log-softmax of torch's goes before.
        op: position of the operation that picks the labels' log-probabilities.
        source: position of the operation that the scores (or else the log-probabilities) come from.
        log_probabilities: shape (predictions, classes).
        scores: what the log-softmax was taken of, of the same shape; None where it could not be had.
        labels: classes, shape (predictions,), where they are labels; ignored ones are left in.
        ignored: the label that stands for none.
        soft: target probabilities, of the shape of `log_probabilities`, where they are no labels.
        rows: shape of the labels as they go in.
    """

    kind: LossKind
    op: int
    source: int
    log_probabilities: Tensor
    scores: Tensor | None
    labels: Tensor | None
    ignored: int | None
    soft: Tensor | None
    rows: tuple[int, ...]
