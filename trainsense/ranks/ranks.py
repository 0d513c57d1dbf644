"""`Ranks`: the processes that train each trial together, and what they agree on.

Every rank runs the same code on its own share of the data. Whatever steers (a loss, a norm, a crash, an interruption, the
clock) goes through one exchange of four numbers, so that all ranks see the same at the same step; a rank that fails takes
part in the next exchange once more, to say so. It travels over a gloo group of its own, which needs no accelerator.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar, final

from torch import Tensor

from trainsense.errors import LostRanksError
from trainsense.ranks.failure import Failure, causes
from trainsense.ranks.straight_through import with_value
from trainsense.ranks.wire import Wire

T = TypeVar("T")


@final
class Ranks:
    """The processes that train together; a single one where nothing is said.

    Args:
        rank: this process's number.
        count: how many there are.
        wire: how they reach each other, None for a single one.
    """

    def __init__(self, *, rank: int = 0, count: int = 1, wire: Wire | None = None) -> None:
        self.rank: Final = rank
        self.count: Final = count
        self._between = wire
        self._told: BaseException | None = None
        self._inside = 0
        self.interrupted = False

    @property
    def lost(self) -> bool:
        """Whether the others are out of reach."""
        return self._between is not None and self._between.lost

    @property
    def _wire(self) -> Wire:
        assert self._between is not None, "a single process has nobody to exchange anything with"
        return self._between

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
        return self._wire.gathered(own)

    def from_first(self, own: Any) -> Any:
        """Return what rank 0 gives; the others give None."""
        if self.count == 1:
            return own
        self.exchange()
        return self._wire.from_first(own)

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
            self._wire.leave(failed)
        self.exchange()
        answer = self._wire.from_first(Failure.of(0, failed) if failed is not None else (result,))
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
        sums = self._wire.summed([first, second, float(self.interrupted), float(failure is not None)], failure)
        if sums[3]:
            failures = self._wire.gathered(None if failure is None else Failure.of(self.rank, failure))
            self._told = failure or next(one for one in failures if one is not None).error()
            if failure is None:
                raise self._told
        elif sums[2]:
            self._told, self.interrupted = KeyboardInterrupt(), False
            raise self._told
        return sums[0], sums[1]

    def _knows(self, error: BaseException) -> bool:
        """Return whether all ranks know of the error already."""
        return self._told is not None and any(one is self._told for one in causes(error))


ALONE: Final = Ranks()
"""A single process."""
