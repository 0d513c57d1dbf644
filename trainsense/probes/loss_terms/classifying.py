"""Log-probabilities of classes held against labels: cross-entropy, by name or written out."""

from typing import Any, Final

import torch
from torch import Tensor

from trainsense.probes.loss_terms.ground import Ground
from trainsense.probes.loss_terms.terms import Classified
from trainsense.probes.structure.kinds import PARTS, RESHAPES

_PICKING: Final = frozenset(["NllLoss", "NllLoss2D", "Gather", "Index"])
_SUM_ERROR: Final = 1e-2
"""Soft targets sum to 1 within this."""


def classified(ground: Ground, index: int) -> Classified | None:
    """Return the loss on classes whose log-probabilities an operation picks or weighs, None if it does neither."""
    kind = ground.graph.ops[index].kind
    if kind in _PICKING:
        return _picked(ground, index)
    return _weighted(ground, index) if kind == "Mul" else None


def _picked(ground: Ground, index: int) -> Classified | None:
    """Return a loss that picks the log-probabilities of labels."""
    op = ground.graph.ops[index]
    source = op.inputs[0]
    if source is None or not ground.learned(source):
        return None
    softmax = _log_softmax(ground, source)
    if op.kind in {"NllLoss", "NllLoss2D"}:
        return _likelihood(ground, index, source, softmax)
    if softmax is None or source != softmax:
        return None
    return _gathered(ground, index, softmax) if op.kind == "Gather" else _indexed(ground, index, softmax)


def _log_softmax(ground: Ground, index: int) -> int | None:
    while ground.graph.ops[index].kind in RESHAPES | PARTS | {"Index"} and len(ground.graph.data_inputs(index)) == 1:
        index = ground.graph.data_inputs(index)[0]
    return index if ground.graph.ops[index].kind == "LogSoftmax" else None


def _likelihood(ground: Ground, index: int, source: int, softmax: int | None) -> Classified | None:
    values, labels = ground.live.saved(index, "self"), ground.live.saved(index, "target")
    if values is None or labels is None or values.numel() == 0:
        return None
    before = source if softmax is None else ground.graph.ops[softmax].inputs[0]
    if before is None:
        return None
    axis = 1 if values.dim() > 1 else 0
    return Classified(
        kind="negative log-likelihood" if softmax is None else "cross-entropy",
        op=index,
        source=before,
        log_probabilities=_by_class(values, axis),
        scores=_scores(ground, softmax),
        labels=labels.reshape(-1),
        ignored=int(ground.live.nodes[index]._saved_ignore_index),  # noqa: SLF001
        soft=None,
        rows=tuple(labels.shape),
    )


def _scores(ground: Ground, softmax: int | None) -> Tensor | None:
    """Return what a log-softmax was taken of, with the classes last."""
    if softmax is None:
        return None
    source = ground.graph.ops[softmax].inputs[0]
    for one in ground.noted:
        if ground.position(one.operands[0]) == source and one.operands[0].shape == ground.graph.ops[softmax].shape:
            return _by_class(one.operands[0].detach(), _axis(ground, softmax))
    return None


def _axis(ground: Ground, softmax: int) -> int:
    axis = int(ground.live.nodes[softmax]._saved_dim)  # noqa: SLF001
    dimensions = len(ground.graph.ops[softmax].shape)
    return axis % dimensions if abs(axis) <= dimensions else (axis - (1 << 64)) % dimensions


def _gathered(ground: Ground, index: int, softmax: int) -> Classified | None:
    labels = ground.live.saved(index, "index")
    axis = _axis(ground, softmax)
    shape = ground.graph.ops[softmax].shape
    if labels is None or labels.shape != (*shape[:axis], 1, *shape[axis + 1 :]):
        return None
    return _hard(ground, index, softmax, labels.squeeze(axis))


def _indexed(ground: Ground, index: int, softmax: int) -> Classified | None:
    """Return `log_probabilities[range, labels]`."""
    indices: Any = getattr(ground.live.nodes[index], "_saved_indices", None) or ()
    dimensions = len(ground.graph.ops[softmax].shape)
    whole = len(indices) == dimensions == 2 and all(isinstance(one, Tensor) for one in indices)
    if not whole or _axis(ground, softmax) != 1 or any(one.dtype == torch.bool for one in indices):
        return None
    rows, labels = (one.detach() for one in indices)
    if rows.shape != labels.shape or rows.numel() != ground.graph.ops[softmax].shape[0]:
        return None
    return _hard(ground, index, softmax, labels[torch.argsort(rows.reshape(-1))] if labels.dim() == 1 else labels)


def _hard(ground: Ground, index: int, softmax: int, labels: Tensor) -> Classified | None:
    return _with_softmax(ground, index, softmax, labels=labels.reshape(-1), soft=None, rows=tuple(labels.shape))


def _with_softmax(
    ground: Ground, index: int, softmax: int, *, labels: Tensor | None, soft: Tensor | None, rows: tuple[int, ...]
) -> Classified | None:
    values, source = ground.live.saved(softmax, "result"), ground.graph.ops[softmax].inputs[0]
    if values is None or source is None:
        return None
    return Classified(
        kind="cross-entropy",
        op=index,
        source=source,
        log_probabilities=_by_class(values, _axis(ground, softmax)),
        scores=_scores(ground, softmax),
        labels=labels,
        ignored=None,
        soft=soft,
        rows=rows,
    )


def _weighted(ground: Ground, index: int) -> Classified | None:
    """Return `(targets * log_probabilities).sum()` where the targets are probabilities that are not learned."""
    inputs = ground.graph.ops[index].inputs
    if len(inputs) != 2 or ground.learned(inputs[0]) == ground.learned(inputs[1]):
        return None
    side = 0 if ground.learned(inputs[0]) else 1
    softmax = inputs[side]
    targets = ground.live.saved(index, ("other", "self")[side])
    if softmax is None or targets is None or ground.graph.ops[softmax].kind != "LogSoftmax":
        return None
    if tuple(targets.shape) != ground.graph.ops[softmax].shape or not targets.is_floating_point():
        return None
    soft = _by_class(targets, _axis(ground, softmax))
    sums = soft.float().sum(dim=1)
    if bool((soft < 0).any()) or bool(((sums - 1).abs() > _SUM_ERROR).any()):
        return None
    return _with_softmax(ground, index, softmax, labels=None, soft=soft, rows=tuple(targets.shape[:1]))


def _by_class(values: Tensor, axis: int) -> Tensor:
    return values.movedim(axis, -1).reshape(-1, values.shape[axis])
