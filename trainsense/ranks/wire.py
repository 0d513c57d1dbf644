"""`Wire`: how numbers and objects travel between ranks, and what happens when one of them no longer answers."""

import pickle
import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar, final

import torch
from torch import distributed

from trainsense.errors import LostRanksError
from trainsense.ranks.failure import Failure

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store
    from torch.distributed import ProcessGroup

T = TypeVar("T")

PATIENCE: Final = timedelta(minutes=30)
"""How long a rank waits for the others: torch's own limit for gloo. One that ended is noticed at once."""
FAREWELL: Final = timedelta(seconds=60)
"""How long a rank that failed waits for the others to come and hear of it. Those that wait for it inside a step, in a
collective operation of the model, never come: then it leaves, which frees them."""
NOTE: Final = "trainsense/failed/{}"
"""Where in the ranks' key-value store a rank that leaves says why."""


@final
class Wire:
    """The wire between the ranks.

    Args:
        rank: this process's number.
        count: how many there are.
        group: a gloo group of all of them.
        notes: the store that they found each other by, None where it is not at hand.
        farewell: how long a rank that failed waits for the others.
    """

    def __init__(
        self, *, rank: int, count: int, group: "ProcessGroup", notes: "Store | None", farewell: timedelta
    ) -> None:
        self._rank, self._count, self._group, self._notes, self._farewell = rank, count, group, notes, farewell
        self.lost = False

    def summed(self, figures: list[float], failure: BaseException | None) -> list[float]:
        """Return the sums of the ranks' figures.

        Args:
            figures: as many on every rank.
            failure: what this rank has raised, if it has: then it waits for the others for less time.

        Raises:
            LostRanksError: another rank has left, or this one failed while the others do not listen.
        """
        if self.lost:
            msg = f"Rank {self._rank} has lost the others."
            raise LostRanksError(msg)
        row = torch.tensor(figures, dtype=torch.float64)
        began = time.monotonic()
        try:
            work = distributed.all_reduce(row, group=self._group, async_op=True)
            assert work is not None
            work.wait(PATIENCE if failure is None else self._farewell)
        except RuntimeError as error:
            if failure is not None and time.monotonic() - began > self._farewell.total_seconds() / 2:
                self.leave(failure)
            raise self._lost() from failure or error
        sums: list[float] = row.tolist()
        return sums

    def gathered(self, own: T) -> list[T]:
        """Return what every rank gives, by rank.

        Raises:
            LostRanksError: another rank has left.
        """
        gathered: list[Any] = [None] * self._count
        try:
            distributed.all_gather_object(gathered, own, group=self._group)
        except RuntimeError as error:
            raise self._lost() from error
        return gathered

    def from_first(self, own: Any) -> Any:
        """Return what rank 0 gives.

        Raises:
            LostRanksError: another rank has left.
        """
        box = [pickle.dumps(own)] if self._rank == 0 else [b""]
        try:
            distributed.broadcast_object_list(box, src=0, group=self._group)
        except RuntimeError as error:
            raise self._lost() from error
        return own if self._rank == 0 else pickle.loads(box[0])  # noqa: S301 - written by rank 0 of this very command

    def leave(self, failure: BaseException) -> NoReturn:
        """Raise what ends this process, and with it the others: they wait for it in the middle of a step.

        Raises:
            LostRanksError: always.
        """
        own = Failure.of(self._rank, failure)
        note = self._note()  # of one that left before: then this rank only failed to reach it
        msg = (
            f"Rank {self._rank} failed by itself in the middle of a step, so that the ranks cannot go on: {own.message}"
        )
        with suppress(RuntimeError):
            if self._notes is not None and not note:
                self._notes.set(NOTE.format(self._rank), msg)
        self._give_up()
        raise LostRanksError(note or f"{msg}\n\n{own.user_traceback}".rstrip()) from failure

    def _lost(self) -> LostRanksError:
        note = self._note()
        self._give_up()
        why = "one of them has ended, killed for its memory perhaps, or has not answered for half an hour"
        return LostRanksError(note or f"Rank {self._rank} does not reach the others any more: {why}.")

    def _give_up(self) -> None:
        """Let nothing wait any more for operations that the others will never join."""
        self.lost = True
        with suppress(Exception):
            distributed.distributed_c10d._abort_process_group()  # noqa: SLF001 - torch has no public name for it

    def _note(self) -> str:
        """Return what a rank that left has said, empty if none has."""
        with suppress(RuntimeError):
            for rank in range(self._count):
                if self._notes is not None and self._notes.check([NOTE.format(rank)]):
                    return self._notes.get(NOTE.format(rank)).decode(errors="replace")
        return ""
