"""A batch source read once and replayed from memory to every trial of a seed."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from trainsense.batches import byte_count, kept
from trainsense.errors import BatchSourceError, UserCodeError, WorkloadError
from trainsense.workload.seeding import RandomState, derived_seed, seed_all
from trainsense.workload.user_traceback import user_code

REPLAY_BYTES: Final = 1 << 30
"""Memory that kept batches may take, all seeds together; past it the source is read again."""


_END: Final = object()


class _Reader:
    """Reads an endless stream of passes over a source, under random streams of its own."""

    def __init__(self, source: Callable[[], Iterable[Any]], seed: int, field: str) -> None:
        self._source, self._seed, self._field = source, seed, field
        self._passes = 0
        self._read = 0
        self._iterator: Iterator[Any] | None = None
        self._state: RandomState | None = None

    def read(self) -> Any:
        """Return the next batch; the global generators are left as they were."""
        outside = RandomState.capture()
        try:
            if self._state is not None:
                self._state.restore()
            batch = self._next()
            self._state = RandomState.capture()
        except UserCodeError as error:
            raise BatchSourceError(str(error), error.user_traceback) from error.__cause__
        finally:
            outside.restore()
        self._read += 1
        return batch

    def _next(self) -> Any:
        where = f"Workload.{self._field}, batch {self._read},"
        for iterator in (self._iterator, None):
            self._iterator = self._begin_pass() if iterator is None else iterator  # its truth may ask for a length
            with user_code(where):
                batch = next(self._iterator, _END)
            if batch is not _END:
                return batch
        if self._read == 0:
            msg = f"Workload.{self._field} gave no batch: it must return an iterable with at least one."
        else:
            msg = (
                f"Workload.{self._field} ran out after {self._read} batches and gave none when called again: it must "
                "return a fresh iterable at every call, not one that is already used up."
            )
        raise WorkloadError(msg)

    def _begin_pass(self) -> Iterator[Any]:
        seed_all(derived_seed(self._seed, self._field, self._passes))
        self._passes += 1
        with user_code(f"Workload.{self._field}"):
            source = self._source()
        if hasattr(source, "__iter__") or hasattr(source, "__getitem__"):
            with user_code(f"Workload.{self._field}"):
                return iter(source)
        msg = f"Workload.{self._field} must return an iterable of batches, not {type(source).__name__}."
        raise WorkloadError(msg)


class Replay:
    """The batches of one seed, in order, as often as they are asked for."""

    def __init__(self, source: Callable[[], Iterable[Any]], seed: int, field: str, limit: int) -> None:
        self._source, self._seed, self._field = source, seed, field
        self._limit = limit
        self._kept: list[Any] = []
        self._reader = _Reader(source, seed, field)
        self.held_bytes = 0

    def batches(self) -> Iterator[Any]:
        """Yield the stream from its beginning, without end; kept batches come from memory."""
        index = 0
        reader: _Reader | None = None
        while True:
            if index < len(self._kept):
                batch = self._kept[index]
            elif self.held_bytes < self._limit:
                batch = kept(self._reader.read())
                self._kept.append(batch)
                self.held_bytes += byte_count(batch)
            else:
                if reader is None:
                    reader = _Reader(self._source, self._seed, self._field)
                    for _ in range(index):
                        reader.read()
                batch = reader.read()
            yield batch
            index += 1

    def first(self, count: int) -> list[Any]:
        """Return the first `count` batches of the stream."""
        stream = self.batches()
        return [next(stream) for _ in range(count)]


class ReplayShelf:
    """The replays of all seeds within one memory bound; the least recently used seed gives way."""

    def __init__(self, source: Callable[[], Iterable[Any]], *, field: str = "data", limit: int = REPLAY_BYTES) -> None:
        self._source, self._field, self._limit = source, field, limit
        self._replays: OrderedDict[int, Replay] = OrderedDict()

    def __getitem__(self, seed: int) -> Replay:
        """Return the replay of `seed`."""
        replay = self._replays.pop(seed, None)
        while self._replays and sum(one.held_bytes for one in self._replays.values()) > self._limit // 2:
            self._replays.popitem(last=False)
        self._replays[seed] = replay or Replay(self._source, seed, self._field, self._limit // 2)
        return self._replays[seed]

    def fresh(self, seed: int) -> Replay:
        """Return a replay that reads the source anew, for the determinism check."""
        return Replay(self._source, seed, self._field, self._limit // 2)
