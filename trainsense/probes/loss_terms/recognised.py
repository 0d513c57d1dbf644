"""The parts of a loss that are recognised: predictions compared with targets, by name or written out."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import torch
from torch import Tensor

from trainsense.probes.loss_terms.operands import DIFFERENCES, Noted, Operands, Positions
from trainsense.probes.structure import LiveLoss, layer
from trainsense.probes.structure.kinds import LEAF, PARTS, RESHAPES
from trainsense.records.evidence.loss_terms import LossKind

_COMPARING: Final[dict[str, LossKind]] = {
    "MseLoss": "squared error",
    "SmoothL1Loss": "squared error",
    "HuberLoss": "squared error",
    "BinaryCrossEntropy": "binary cross-entropy",
    "BinaryCrossEntropyWithLogits": "binary cross-entropy with logits",
}
_NOTED_COMPARING: Final = frozenset(["l1_loss", "gaussian_nll_loss"])
"""Functions that autograd sees as several operations."""
_DISTANCES: Final = frozenset(["Pow", "Abs", "LinalgVectorNorm", "Norm"])
_PICKING: Final = frozenset(["NllLoss", "NllLoss2D", "Gather", "Index"])
_SUM_ERROR: Final = 1e-2
"""Soft targets sum to 1 within this."""


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


class Recogniser:
    """Finds the recognised parts of one loss.

    Args:
        live: the loss.
        operands: what was noted while it was computed.
    """

    def __init__(self, live: LiveLoss, operands: Operands) -> None:
        self._live = live
        self._graph = live.graph
        self._noted = operands.noted
        self._position = Positions(live)

    def terms(self) -> Iterator[Compared | Classified]:
        """Yield the recognised parts, in the order in which they are computed."""
        differences = self._differences()
        for index, op in enumerate(self._graph.ops):
            if self._ahead_of_layers >> index & 1:
                continue
            found: Compared | Classified | None = None
            if op.kind in _COMPARING:
                found = self._named(index, _COMPARING[op.kind])
            elif index in differences:
                found = self._difference(index, differences[index])
            elif op.kind in _PICKING:
                found = self._picked(index)
            elif op.kind == "Mul":
                found = self._weighted(index)
            if found is not None:
                yield found

    def learned(self, index: int | None) -> bool:
        """Return whether an operation's result depends on the batch and on parameters."""
        return (
            index is not None and self._graph.data[index] and bool(self._graph.ancestors[index] & self._parameter_bits)
        )

    @cached_property
    def _parameter_bits(self) -> int:
        return sum(1 << index for index, op in enumerate(self._graph.ops) if op.kind == LEAF and op.parameter)

    @cached_property
    def _ahead_of_layers(self) -> int:
        """Operations that a linear, convolutional or recurrent layer reads, as bits: they belong to the model."""
        found = 0
        for index in range(len(self._graph.ops)):
            own = layer(self._graph, index)
            if own is not None and own.affine:
                found |= self._graph.ancestors[index]
        return found

    def _named(self, index: int, kind: LossKind) -> Compared | None:
        first, second = self._graph.ops[index].inputs[:2]
        pair = self._live.saved(index, "self"), self._live.saved(index, "target")
        return self._compared(kind, index, (first, second), pair)

    def _compared(
        self,
        kind: LossKind,
        index: int,
        sources: tuple[int | None, int | None],
        values: tuple[Tensor | None, Tensor | None],
    ) -> Compared | None:
        """Return the comparison if exactly one side is learned."""
        first, second = values
        if first is None or second is None or first.shape != second.shape or first.numel() == 0:
            return None
        if self.learned(sources[0]) == self.learned(sources[1]):
            return None
        if self.learned(sources[1]):
            sources, first, second = sources[::-1], second, first
        source = sources[0]
        assert source is not None
        return Compared(
            kind=kind, op=index, source=source, predictions=first.detach(), targets=second.detach().to(first.dtype)
        )

    def _differences(self) -> dict[int, Noted]:
        """Return what was subtracted, or handed to a loss that autograd sees as several operations, by position."""
        found: dict[int, Noted] = {}
        for one in self._noted:
            index = self._position(one.result) if one.name in DIFFERENCES or one.name in _NOTED_COMPARING else None
            if index is not None and len(one.operands) == 2:
                found[index] = one
        return found

    def _difference(self, index: int, noted: Noted) -> Compared | None:
        if noted.name in DIFFERENCES and not any(self._is_distance(user) for user in self._ahead(index)):
            return None
        first, second = noted.operands
        return self._compared(
            "squared error", index, (self._position(first), self._position(second)), (first.detach(), second.detach())
        )

    def _ahead(self, index: int) -> Iterator[int]:
        for user in self._graph.users[index]:
            yield user
            if self._graph.ops[user].kind in RESHAPES | PARTS:
                yield from self._ahead(user)

    def _is_distance(self, index: int) -> bool:
        op = self._graph.ops[index]
        if op.kind == "Mul":
            return len(op.inputs) > 1 and op.inputs[0] == op.inputs[1]
        return op.kind in _DISTANCES and getattr(self._live.nodes[index], "_saved_exponent", 2) == 2

    def _picked(self, index: int) -> Classified | None:
        """Return a loss that picks the log-probabilities of labels."""
        op = self._graph.ops[index]
        source = op.inputs[0]
        if source is None or not self.learned(source):
            return None
        softmax = self._log_softmax(source)
        if op.kind in {"NllLoss", "NllLoss2D"}:
            return self._likelihood(index, source, softmax)
        if softmax is None or source != softmax:
            return None
        return self._gathered(index, softmax) if op.kind == "Gather" else self._indexed(index, softmax)

    def _log_softmax(self, index: int) -> int | None:
        while self._graph.ops[index].kind in RESHAPES | PARTS | {"Index"} and len(self._graph.data_inputs(index)) == 1:
            index = self._graph.data_inputs(index)[0]
        return index if self._graph.ops[index].kind == "LogSoftmax" else None

    def _likelihood(self, index: int, source: int, softmax: int | None) -> Classified | None:
        values, labels = self._live.saved(index, "self"), self._live.saved(index, "target")
        if values is None or labels is None or values.numel() == 0:
            return None
        before = source if softmax is None else self._graph.ops[softmax].inputs[0]
        if before is None:
            return None
        axis = 1 if values.dim() > 1 else 0
        return Classified(
            kind="negative log-likelihood" if softmax is None else "cross-entropy",
            op=index,
            source=before,
            log_probabilities=_by_class(values, axis),
            scores=self._scores(softmax),
            labels=labels.reshape(-1),
            ignored=int(self._live.nodes[index]._saved_ignore_index),  # noqa: SLF001
            soft=None,
            rows=tuple(labels.shape),
        )

    def _scores(self, softmax: int | None) -> Tensor | None:
        """Return what a log-softmax was taken of, with the classes last."""
        if softmax is None:
            return None
        source = self._graph.ops[softmax].inputs[0]
        for one in self._noted:
            if self._position(one.operands[0]) == source and one.operands[0].shape == self._graph.ops[softmax].shape:
                return _by_class(one.operands[0].detach(), self._axis(softmax))
        return None

    def _axis(self, softmax: int) -> int:
        axis = int(self._live.nodes[softmax]._saved_dim)  # noqa: SLF001
        dimensions = len(self._graph.ops[softmax].shape)
        return axis % dimensions if abs(axis) <= dimensions else (axis - (1 << 64)) % dimensions

    def _gathered(self, index: int, softmax: int) -> Classified | None:
        labels = self._live.saved(index, "index")
        axis = self._axis(softmax)
        shape = self._graph.ops[softmax].shape
        if labels is None or labels.shape != (*shape[:axis], 1, *shape[axis + 1 :]):
            return None
        return self._hard(index, softmax, labels.squeeze(axis))

    def _indexed(self, index: int, softmax: int) -> Classified | None:
        """Return `log_probabilities[range, labels]`."""
        indices: Any = getattr(self._live.nodes[index], "_saved_indices", None) or ()
        dimensions = len(self._graph.ops[softmax].shape)
        whole = len(indices) == dimensions == 2 and all(isinstance(one, Tensor) for one in indices)
        if not whole or self._axis(softmax) != 1 or any(one.dtype == torch.bool for one in indices):
            return None
        rows, labels = (one.detach() for one in indices)
        if rows.shape != labels.shape or rows.numel() != self._graph.ops[softmax].shape[0]:
            return None
        return self._hard(index, softmax, labels[torch.argsort(rows.reshape(-1))] if labels.dim() == 1 else labels)

    def _hard(self, index: int, softmax: int, labels: Tensor) -> Classified | None:
        return self._with_softmax(index, softmax, labels=labels.reshape(-1), soft=None, rows=tuple(labels.shape))

    def _with_softmax(
        self, index: int, softmax: int, *, labels: Tensor | None, soft: Tensor | None, rows: tuple[int, ...]
    ) -> Classified | None:
        values, source = self._live.saved(softmax, "result"), self._graph.ops[softmax].inputs[0]
        if values is None or source is None:
            return None
        return Classified(
            kind="cross-entropy",
            op=index,
            source=source,
            log_probabilities=_by_class(values, self._axis(softmax)),
            scores=self._scores(softmax),
            labels=labels,
            ignored=None,
            soft=soft,
            rows=rows,
        )

    def _weighted(self, index: int) -> Classified | None:
        """Return `(targets * log_probabilities).sum()` where the targets are probabilities that are not learned."""
        inputs = self._graph.ops[index].inputs
        if len(inputs) != 2 or self.learned(inputs[0]) == self.learned(inputs[1]):
            return None
        side = 0 if self.learned(inputs[0]) else 1
        softmax = inputs[side]
        targets = self._live.saved(index, ("other", "self")[side])
        if softmax is None or targets is None or self._graph.ops[softmax].kind != "LogSoftmax":
            return None
        if tuple(targets.shape) != self._graph.ops[softmax].shape or not targets.is_floating_point():
            return None
        soft = _by_class(targets, self._axis(softmax))
        sums = soft.float().sum(dim=1)
        if bool((soft < 0).any()) or bool(((sums - 1).abs() > _SUM_ERROR).any()):
            return None
        return self._with_softmax(index, softmax, labels=None, soft=soft, rows=tuple(targets.shape[:1]))


def _by_class(values: Tensor, axis: int) -> Tensor:
    return values.movedim(axis, -1).reshape(-1, values.shape[axis])
