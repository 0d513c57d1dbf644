"""Class labels: which tensor of the batch they are, and what of the head they fill."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from trainsense.batches import is_plain, tensors_of
from trainsense.probes.structure import LiveLoss
from trainsense.records.evidence.loss_terms import Labels

_CUTS: Final[dict[str, Callable[[Tensor], Tensor]]] = {
    "": lambda one: one,
    "[:, 1:]": lambda one: one[:, 1:],
    "[1:]": lambda one: one[1:],
    "[:, :-1]": lambda one: one[:, :-1],
    ".T": lambda one: one.transpose(0, 1),
}
"""How labels are commonly cut from a tensor of the batch."""


_MOSTLY: Final = 0.6
"""Share of labels that are the next tokens; the others are marked to be left out."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where labels come from.

    Attributes:
        path: the batch's tensor: `batch[1]`.
        cut: which part of it.
        offset: what is added on the way to the loss.
    """

    path: str
    cut: str
    offset: int

    def labels(self, batch: Any) -> Tensor | None:
        """Return the labels of a batch, in its own shape; None where it has no such tensor."""
        for path, tensor in tensors_of(batch):
            if path == self.path:
                cut = _cut(tensor, self.cut)
                return None if cut is None else cut.long() + self.offset
        return None


def origin(batch: Any, labels: Tensor, ignored: int | None) -> Origin | None:
    """Return which tensor of a batch the labels of its loss are, None where none is recognised.

    Args:
        batch: the batch.
        labels: what went into the loss, on the host.
        ignored: the label that stands for none; it may have been put in on the way.
    """
    wanted = labels.reshape(-1)
    valid = torch.ones_like(wanted, dtype=torch.bool) if ignored is None else wanted != ignored
    for path, tensor in tensors_of(batch):
        for cut in _CUTS:
            part = _cut(tensor, cut)
            if part is None or part.numel() != wanted.numel() or not _is_whole(part):
                continue
            difference = (wanted - part.detach().cpu().reshape(-1).long())[valid]
            if difference.numel() and bool((difference == difference[0]).all()):
                offset = int(difference[0])
                varied = bool((wanted[valid] != wanted[valid][0]).any())
                if offset == 0 or varied:
                    return Origin(path=path, cut=cut, offset=offset)
    return None


def _cut(tensor: Tensor, cut: str) -> Tensor | None:
    if not is_plain(tensor) or tensor.is_complex() or tensor.dim() < (2 if "," in cut or cut == ".T" else 1):
        return None
    return _CUTS[cut](tensor)


def _is_whole(tensor: Tensor) -> bool:
    return not tensor.is_floating_point() or bool((tensor == tensor.round()).all())


def is_vocabulary(live: LiveLoss, batch: Any, labels: Tensor, classes: int) -> bool:
    """Return whether classes are tokens that the inputs are made of too.

    They are where an embedding has a row for each, or where labels are the next values of an integer tensor of the batch.

    Args:
        live: the loss of the batch.
        batch: the batch.
        labels: of the batch, in the shape in which they go into the loss, on the host.
        classes: width of the head.
    """
    embedded = [
        live.graph.ops[source].shape
        for index, op in enumerate(live.graph.ops)
        if op.kind == "Embedding"
        for source in live.graph.parameter_inputs(index)
    ]
    if any(shape[:1] == (classes,) for shape in embedded):
        return True
    return any(_is_next(tensor.detach().cpu(), labels) for _, tensor in tensors_of(batch))


def _is_next(tensor: Tensor, labels: Tensor) -> bool:
    if tensor.dim() != 2 or not is_plain(tensor) or tensor.shape[1] < 3 or tensor.is_floating_point():
        return False
    rows, length = tensor.shape
    if labels.numel() == rows * (length - 1):
        return _agree(tensor[:, 1:].reshape(-1), labels.reshape(-1))
    if labels.numel() == rows * length:
        return _agree(tensor[:, 1:], labels.reshape(rows, length)[:, :-1])
    return False


def _agree(one: Tensor, other: Tensor) -> bool:
    """Return whether values are mostly equal: some labels may be ignored ones."""
    return bool((one == other).float().mean() > _MOSTLY)


def counted(per_batch: Sequence[Tensor], *, classes: int, ignored: int | None, where: str, vocabulary: bool) -> Labels:
    """Return what labels of many batches are.

    Args:
        per_batch: labels of each batch, first dimension examples.
        classes: width of the head.
        ignored: the label that stands for none.
        where: which tensor of the batch they are.
        vocabulary: whether classes are tokens that the inputs are made of too.
    """
    examples = torch.zeros(classes, dtype=torch.long)
    low, high, outside, first, rows = 0, 0, 0, None, 0
    started = False
    for index, labels in enumerate(per_batch):
        table = labels.reshape(labels.shape[0], -1) if labels.dim() else labels.reshape(1, 1)
        valid = torch.ones_like(table, dtype=torch.bool) if ignored is None else table != ignored
        if not bool(valid.any()):
            continue
        least, most = int(table[valid].min()), int(table[valid].max())
        low, high, started = (min(low, least), max(high, most), True) if started else (least, most, True)
        bad = valid & ((table < 0) | (table >= classes))
        outside += int(bad.sum())
        first = index if first is None and bool(bad.any()) else first
        rows += int(valid.any(dim=1).sum())
        good = valid & ~bad
        row = torch.arange(table.shape[0]).unsqueeze(1).expand_as(table)[good]
        pairs = torch.unique(row * classes + table[good])
        examples += torch.bincount(pairs % classes, minlength=classes)
    return Labels(
        where=where,
        low=low,
        high=high,
        outside=outside,
        first_outside=first,
        batches=len(per_batch),
        examples=rows,
        seen=int((examples > 0).sum()),
        seen_once=int((examples == 1).sum()),
        vocabulary=vocabulary,
    )
