"""Losses whose operands broadcast so that each example meets the targets of all others."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from trainsense.batches import map_tensors
from trainsense.probes.loss_terms.ground import Ground
from trainsense.probes.loss_terms.operands import DIFFERENCES, LOSSES, Noted
from trainsense.probes.structure import LiveLoss
from trainsense.records.evidence.loss_terms import Broadcast
from trainsense.records.location import Location


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """A broadcast in which the examples of one operand meet those of the other.

    Attributes:
        examples: number of examples that meet.
        broadcast: what is combined, and where.
    """

    examples: int
    broadcast: Broadcast


def crossings(ground: Ground) -> Iterator[Crossing]:
    """Yield the broadcasts of learned values with others, in the loss, that cross examples by differing ranks.

    `(N, 1)` with `(N,)` gives `(N, N)`: the second is read as one row. Operands of one rank, `(N, 1, Q)` with `(N, Q, 1)`,
    are broadcast on purpose, and so is one that has just been unsqueezed by the loss itself; constants are the same for all.
    """
    found = [
        (noted, examples)
        for noted in ground.noted
        if len(noted.operands) == 2 and (examples := crossed(*_shapes(noted))) is not None
    ]
    for noted, examples in found:
        places = [ground.position(one) for one in noted.operands]
        learned = [ground.learned(place) for place in places]
        if learned[0] == learned[1]:
            continue
        side = 0 if learned[0] else 1
        place, result = places[side], ground.position(noted.result)
        if place is None or result is None or not _is_loss(ground, noted, result):
            continue
        if _unsqueezed(ground.live, place) or _constant(noted.operands[1 - side]):
            continue
        yield Crossing(examples=examples, broadcast=_described(ground.live, noted, side, result))


def crossed(first: tuple[int, ...], second: tuple[int, ...]) -> int | None:
    """Return how many examples meet each other where two shapes are broadcast; None if each meets its own.

    >>> crossed((32, 1), (32,)), crossed((32,), (32, 1)), crossed((8, 1, 5, 5), (8, 5, 5))
    (32, 32, 8)
    >>> crossed((32, 4), (32, 1)), crossed((32, 4), (4,)), crossed((8, 1, 5), (8, 5, 1)), crossed((1, 1), (1,))
    (None, None, None, None)
    """
    longer, shorter = (first, second) if len(first) >= len(second) else (second, first)
    lands = len(longer) - len(shorter)
    if lands == 0 or not shorter or shorter[0] < 2 or longer[lands] != 1:
        return None
    return shorter[0] if shorter[0] in longer[:lands] else None


def _is_loss(ground: Ground, noted: Noted, result: int) -> bool:
    """Return whether this runs outside of all modules, or compares something in a model that computes its own loss."""
    outside = noted.outside and ground.graph.ops[result].call is None
    return outside or (noted.name in DIFFERENCES | LOSSES and not ground.in_model(result))


def _shapes(noted: Noted) -> tuple[tuple[int, ...], tuple[int, ...]]:
    first, second = noted.operands
    return tuple(first.shape), tuple(second.shape)


def _constant(tensor: Tensor) -> bool:
    """Return whether all values are the same, so that it makes no difference which examples meet."""
    values = tensor.detach()
    return bool((values == values.reshape(-1)[0]).all())


def _unsqueezed(live: LiveLoss, index: int) -> bool:
    op = live.graph.ops[index]
    return op.kind == "Unsqueeze" and op.call is None


def _described(live: LiveLoss, noted: Noted, side: int, result: int) -> Broadcast:
    first, second = noted.operands[side], noted.operands[1 - side]
    file, line = live.line(result) or ("", None)
    return Broadcast(
        operation=noted.name,
        predictions=tuple(first.shape),
        targets=tuple(second.shape),
        result=tuple(torch.broadcast_tensors(first, second)[0].shape),  # type: ignore[no-untyped-call]
        location=Location(file=file, line=line),
    )


def fewer_examples(batch: Any, examples: int) -> Any:
    """Return the first half of a batch: of each tensor whose first dimension is `examples`.

    Args:
        batch: of any structure.
        examples: at least 3.
    """
    half = (examples + 1) // 2
    return map_tensors(
        batch,
        lambda tensor: tensor[:half] if tensor.dim() > 0 and tensor.shape[0] == examples else tensor,
        lambda item: item,
    )
