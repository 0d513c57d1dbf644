"""Predictions compared with targets of their shape: squared and absolute errors, binary cross-entropies."""

from collections.abc import Iterator, Mapping
from typing import Final

from torch import Tensor

from trainsense.probes.loss_terms.ground import Ground
from trainsense.probes.loss_terms.operands import DIFFERENCES, Noted
from trainsense.probes.loss_terms.terms import Compared
from trainsense.probes.structure.kinds import PARTS, RESHAPES
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


def compared(ground: Ground, index: int, noted: Mapping[int, Noted]) -> Compared | None:
    """Return the comparison that an operation is, None if it is none.

    Args:
        ground: the loss.
        index: the operation.
        noted: what `differences` found.
    """
    kind = _COMPARING.get(ground.graph.ops[index].kind)
    if kind is not None:
        return _named(ground, index, kind)
    return _difference(ground, index, noted[index]) if index in noted else None


def _named(ground: Ground, index: int, kind: LossKind) -> Compared | None:
    first, second = ground.graph.ops[index].inputs[:2]
    pair = ground.live.saved(index, "self"), ground.live.saved(index, "target")
    return _compared(ground, kind, index, (first, second), pair)


def _compared(
    ground: Ground,
    kind: LossKind,
    index: int,
    sources: tuple[int | None, int | None],
    values: tuple[Tensor | None, Tensor | None],
) -> Compared | None:
    """Return the comparison if exactly one side is learned."""
    first, second = values
    if first is None or second is None or first.shape != second.shape or first.numel() == 0:
        return None
    if ground.learned(sources[0]) == ground.learned(sources[1]):
        return None
    if ground.learned(sources[1]):
        sources, first, second = sources[::-1], second, first
    source = sources[0]
    assert source is not None
    return Compared(
        kind=kind, op=index, source=source, predictions=first.detach(), targets=second.detach().to(first.dtype)
    )


def differences(ground: Ground) -> dict[int, Noted]:
    """Return what was subtracted, or handed to a loss that autograd sees as several operations, by position."""
    found: dict[int, Noted] = {}
    for one in ground.noted:
        index = ground.position(one.result) if one.name in DIFFERENCES or one.name in _NOTED_COMPARING else None
        if index is not None and len(one.operands) == 2:
            found[index] = one
    return found


def _difference(ground: Ground, index: int, noted: Noted) -> Compared | None:
    if noted.name in DIFFERENCES and not any(_is_distance(ground, user) for user in _ahead(ground, index)):
        return None
    first, second = noted.operands
    return _compared(
        ground,
        "squared error",
        index,
        (ground.position(first), ground.position(second)),
        (first.detach(), second.detach()),
    )


def _ahead(ground: Ground, index: int) -> Iterator[int]:
    for user in ground.graph.users[index]:
        yield user
        if ground.graph.ops[user].kind in RESHAPES | PARTS:
            yield from _ahead(ground, user)


def _is_distance(ground: Ground, index: int) -> bool:
    op = ground.graph.ops[index]
    if op.kind == "Mul":
        return len(op.inputs) > 1 and op.inputs[0] == op.inputs[1]
    return op.kind in _DISTANCES and getattr(ground.live.nodes[index], "_saved_exponent", 2) == 2
