"""`Ranks`: the processes that train each trial together, and what they agree on.

Every rank runs the same code on its own share of the data. Whatever steers (a loss, a norm, a crash, an interruption, the
clock) goes through one exchange of four numbers, so that all ranks see the same at the same step; a rank that fails takes
part in the next exchange once more, to say so. It travels over a gloo group of its own, which needs no accelerator.
"""

import pickle
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar, final

import torch
from torch import Tensor, distributed

from trainsense.errors import LostRanksError
from trainsense.ranks.failure import Failure, causes
from trainsense.ranks.straight_through import with_value

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
class Ranks:
    """The processes that train together; a single one where nothing is said.

    Args:
        rank: this process's number.
        count: how many there are.
        group: a gloo group of all of them, None for a single one.
        notes: the store that they found each other by.
        farewell: how long a rank that failed waits for the others.
    """

    def __init__(
        self,
        *,
        rank: int = 0,
        count: int = 1,
        group: "ProcessGroup | None" = None,
        notes: "Store | None" = None,
        farewell: timedelta = FAREWELL,
    ) -> None:
        self.rank: Final = rank
        self.count: Final = count
        self._group, self._notes, self._farewell = group, notes, farewell
        self._told: BaseException | None = None
        self._inside = 0
        self.interrupted = False
        self.lost = False

    @property
    def first(self) -> bool:
        """Whether this is the rank that decides, keeps and reports."""
        return self.rank == 0

    @property
    def together_now(self) -> bool:
        """Whether an interruption has to wait for the next exchange."""
        return self._inside > 0

    def mean(self, value: float) -> float:
        """Return the mean of the ranks' values, the same on all."""
        return value if self.count == 1 else self.exchange(value)[0] / self.count

    def means(self, figures: Mapping[str, float]) -> dict[str, float]:
        """Return the means of the ranks' values by name, each over the ranks that have it."""
        every = self.gathered(dict(figures))
        values = {name: [one[name] for one in every if name in one] for name in figures}
        return {name: sum(known) / len(known) for name, known in values.items()}

    def meet(self) -> None:
        """Raise what another rank has raised since; before the model makes the ranks wait for each other."""
        if self.count > 1:
            self.exchange()

    def clock(self) -> float:
        """Return rank 0's `time.perf_counter()`, so that all ranks stop timing at the same time."""
        if self.count == 1:
            return time.perf_counter()
        return self.exchange(time.perf_counter() if self.first else 0.0)[0]

    def loss(self, compute: Callable[[], Tensor]) -> Tensor:
        """Return the mean of the ranks' losses, whose gradient is that of this rank's own.

        The model averages gradients over the ranks itself, or shards them. An error on one rank is one on all.

        Args:
            compute: returns this rank's scalar loss.
        """
        try:
            own = compute()
            value = float(own.detach())
        except BaseException as error:
            self.exchange(failure=error)
            raise
        return with_value(own, self.exchange(value)[0] / self.count)

    def gathered(self, own: T) -> list[T]:
        """Return what every rank gives, by rank."""
        if self.count == 1:
            return [own]
        self.exchange()
        return self._gathered(own)

    def from_first(self, own: Any) -> Any:
        """Return what rank 0 gives; the others give None."""
        if self.count == 1:
            return own
        self.exchange()
        return self._from_first(own)

    def same(self, make: Callable[[], T]) -> T:
        """Return on every rank what `make` returned on rank 0, or raise what it raised there.

        Args:
            make: called on every rank; what it returns on the others is dropped. Nothing that it does on rank 0 may wait
                for the others in vain.

        Raises:
            LostRanksError: another rank has left.
        """
        if self.count == 1:
            return make()
        result: T | None = None
        failed: BaseException | None = None
        try:
            result = make()
        except LostRanksError:
            raise
        except BaseException as error:  # noqa: BLE001 - raised again below, on every rank
            failed = error
        if not self.first and failed is not None and not self._knows(failed):
            self._leave(failed)
        self.exchange()
        answer = self._from_first(Failure.of(0, failed) if failed is not None else (result,))
        if self.first and failed is not None:
            raise failed
        if isinstance(answer, Failure):
            self._told = answer.error(named=False)
            raise self._told
        value: T = answer[0]
        return value

    @contextmanager
    def together(self) -> Iterator[None]:
        """Do the same on every rank; what one raises inside, all raise.

        Raises:
            LostRanksError: another rank has left.
        """
        if self.count == 1:
            yield
            return
        self._inside += 1
        try:
            yield
        except LostRanksError:
            raise
        except BaseException as error:
            if not self._knows(error):
                self.exchange(failure=error)
            raise
        else:
            self.exchange()
        finally:
            self._inside -= 1

    def exchange(
        self, first: float = 0.0, second: float = 0.0, *, failure: BaseException | None = None
    ) -> tuple[float, float]:
        """Return the sums of two figures over the ranks.

        Args:
            first: this rank's figure.
            second: another.
            failure: what this rank is about to raise, which the others are told instead.

        Raises:
            LostRanksError: another rank has left, or this one failed while the others do not listen.
            KeyboardInterrupt: rank 0 was interrupted since the last exchange.
            Exception: what another rank raised, unless this one failed too.
        """
        if self.lost:
            msg = f"rank {self.rank} has lost the others"
            raise LostRanksError(msg)
        row = torch.tensor([first, second, float(self.interrupted), float(failure is not None)], dtype=torch.float64)
        self._summed(row, failure)
        sums = row.tolist()
        if sums[3]:
            failures = self._gathered(None if failure is None else Failure.of(self.rank, failure))
            self._told = failure or next(one for one in failures if one is not None).error()
            if failure is None:
                raise self._told
        elif sums[2]:
            self._told, self.interrupted = KeyboardInterrupt(), False
            raise self._told
        return sums[0], sums[1]

    def _summed(self, row: Tensor, failure: BaseException | None) -> None:
        began = time.monotonic()
        try:
            work = distributed.all_reduce(row, group=self._group, async_op=True)
            assert work is not None
            work.wait(PATIENCE if failure is None else self._farewell)
        except RuntimeError as error:
            waited = time.monotonic() - began > self._farewell.total_seconds() / 2
            if failure is not None and waited:
                self._leave(failure)
            raise self._lost() from failure or error

    def _leave(self, failure: BaseException) -> NoReturn:
        """Raise what ends this process, and with it the others: they wait for it in the middle of a step.

        Raises:
            LostRanksError: always.
        """
        own = Failure.of(self.rank, failure)
        note = self._note()  # of one that left before: then this rank only failed to reach it
        msg = (
            f"Rank {self.rank} failed by itself in the middle of a step, so that the ranks cannot go on: {own.message}"
        )
        with suppress(RuntimeError):
            if self._notes is not None and not note:
                self._notes.set(NOTE.format(self.rank), msg)
        self._give_up()
        raise LostRanksError(note or f"{msg}\n\n{own.user_traceback}".rstrip()) from failure

    def _lost(self) -> LostRanksError:
        note = self._note()
        self._give_up()
        why = "one of them has ended, killed for its memory perhaps, or has not answered for half an hour"
        return LostRanksError(note or f"Rank {self.rank} does not reach the others any more: {why}.")

    def _give_up(self) -> None:
        """Let nothing wait any more for operations that the others will never join."""
        self.lost = True
        with suppress(Exception):
            distributed.distributed_c10d._abort_process_group()  # noqa: SLF001 - torch has no public name for it

    def _note(self) -> str:
        """Return what a rank that left has said, empty if none has."""
        with suppress(RuntimeError):
            for rank in range(self.count):
                if self._notes is not None and self._notes.check([NOTE.format(rank)]):
                    return self._notes.get(NOTE.format(rank)).decode(errors="replace")
        return ""

    def _gathered(self, own: T) -> list[T]:
        gathered: list[Any] = [None] * self.count
        try:
            distributed.all_gather_object(gathered, own, group=self._group)
        except RuntimeError as error:
            raise self._lost() from error
        return gathered

    def _from_first(self, own: Any) -> Any:
        box = [pickle.dumps(own)] if self.first else [b""]
        try:
            distributed.broadcast_object_list(box, src=0, group=self._group)
        except RuntimeError as error:
            raise self._lost() from error
        return own if self.first else pickle.loads(box[0])  # noqa: S301 - written by rank 0 of this very command

    def _knows(self, error: BaseException) -> bool:
        """Return whether all ranks know of the error already."""
        return self._told is not None and any(one is self._told for one in causes(error))


ALONE: Final = Ranks()
"""A single process."""
