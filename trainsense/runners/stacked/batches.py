"""The batches of a stack: one for all trials, or one of each seed."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import torch
from torch import Tensor

from trainsense.batches import map_tensors
from trainsense.runners.stacked.refusal import UnstackableError


class StackedBatches:
    """Reads the batches of all seeds of a stack in step.

    Args:
        streams: one per seed.
    """

    def __init__(self, streams: Sequence[Iterator[Any]]) -> None:
        self._streams: Final = streams

    def next(self, rows: Tensor) -> tuple[Any, list[Tensor]]:
        """Return a batch, and with several seeds the tensors that take the place of its own, one slice per trial.

        Args:
            rows: index into the streams by trial.

        Raises:
            UnstackableError: the batches of two seeds differ in more than the values of their tensors.
        """
        batches = [next(stream) for stream in self._streams]
        if len(batches) == 1:
            return batches[0], []
        parts = [_parts(batch) for batch in batches]
        skeleton, tensors = parts[0]
        for other, others in parts[1:]:
            if len(others) != len(tensors) or any(
                not _alike(one, two) for one, two in zip(tensors, others, strict=True)
            ):
                msg = "the batches of two seeds differ in shape"
                raise UnstackableError(msg)
            if other != skeleton:
                msg = "the batches of two seeds differ in what is no tensor"
                raise UnstackableError(msg)
        return batches[0], [torch.stack(alike)[rows] for alike in zip(*(part[1] for part in parts), strict=True)]


def _parts(batch: Any) -> tuple[Any, list[Tensor]]:
    """Return the batch without its tensors, and these in order."""
    tensors: list[Tensor] = []

    def refuse(item: Any) -> Any:
        msg = f"batches of several seeds that hold a {type(item).__name__} cannot be put side by side"
        raise UnstackableError(msg)

    return map_tensors(batch, tensors.append, refuse), tensors  # type: ignore[arg-type]


def _alike(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and one.layout == other.layout == torch.strided
