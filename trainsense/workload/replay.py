"""A batch source read once and replayed from memory to every trial of a seed."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

import torch

from trainsense.batches import byte_count, kept, kept_on_host, to_device
from trainsense.errors import BatchSourceError, UserCodeError, WorkloadError
from trainsense.workload.seeding import RandomState, derived_seed, seed_all
from trainsense.workload.user_traceback import user_code

REPLAY_BYTES: Final = 1 << 30
"""Host memory that kept batches may take, all seeds together; past it the source is read again."""
DEVICE_SHARE: Final = 0.125
"""Of the device's free memory: kept batches may take so much of it, all seeds together, before they go to the host. A training
of the size that fits a device needs most of it for activations."""
MOST_DEVICE_BYTES: Final = 4 << 30
"""And no more than this: past some hundreds of batches a copy ahead of the step costs no time."""
_HOST: Final = torch.device("cpu")
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


def device_replay_bytes(device: torch.device) -> int:
    """Return the memory of `device` that kept batches may take; 0 where it is the host's."""
    if device.type != "cuda":
        return 0
    return min(MOST_DEVICE_BYTES, int(DEVICE_SHARE * torch.cuda.mem_get_info(device)[0]))


class Replay:
    """The batches of one seed, in order, as often as they are asked for.

    Kept batches fill the room on the device first, then that on the host; what finds none is read again. The last batch that
    is kept on either may cross its bound.

    Args:
        source: the user's, called at every pass.
        seed: of the passes' order.
        field: of the workload, for messages.
        limit: bytes of host memory for kept batches.
        device: which trains on them.
        device_limit: bytes of its memory for kept batches.
    """

    def __init__(
        self,
        source: Callable[[], Iterable[Any]],
        seed: int,
        field: str,
        limit: int,
        *,
        device: torch.device = _HOST,
        device_limit: int = 0,
    ) -> None:
        self._source, self._seed, self._field = source, seed, field
        self._limit, self._device, self._device_limit = limit, device, device_limit
        self._kept: list[Any] = []
        self._reader = _Reader(source, seed, field)
        self.held_bytes = 0
        self.device_bytes = 0

    def batches(self) -> Iterator[Any]:
        """Yield the stream from its beginning, without end; kept batches come from memory, each from where it lies."""
        index = 0
        reader: _Reader | None = None
        while True:
            if index < len(self._kept):
                batch = self._kept[index]
            elif self.device_bytes < self._device_limit or self.held_bytes < self._limit:
                batch = self._keep(self._reader.read())
            else:
                if reader is None:
                    reader = _Reader(self._source, self._seed, self._field)
                    for _ in range(index):
                        reader.read()
                batch = reader.read()
                batch = batch if self._device.type == "cpu" else kept_on_host(batch, self._device)
            yield batch
            index += 1

    def first(self, count: int) -> list[Any]:
        """Return the first `count` batches of the stream, in host memory."""
        stream = self.batches()
        batches = [next(stream) for _ in range(count)]
        return batches if self._device.type == "cpu" else [to_device(batch, _HOST) for batch in batches]

    def _keep(self, batch: Any) -> Any:
        if self.device_bytes < self._device_limit:
            with suppress(torch.OutOfMemoryError):  # a model that grew in the meantime: the host is left
                self._kept.append(kept(batch, self._device))
                self.device_bytes += byte_count(batch)
                return self._kept[-1]
            self._device_limit = 0
        self._kept.append(kept_on_host(batch, self._device))
        self.held_bytes += byte_count(batch)
        return self._kept[-1]


class ReplayShelf:
    """The replays of all seeds within two memory bounds; the least recently used seed gives way.

    Args:
        source: the user's, called at every pass.
        field: of the workload, for messages.
        limit: bytes of host memory for kept batches, all seeds together.
        device: which trains on them.
        device_limit: bytes of its memory for kept batches, all seeds together; None for what suits it.
    """

    def __init__(
        self,
        source: Callable[[], Iterable[Any]],
        *,
        field: str = "data",
        limit: int = REPLAY_BYTES,
        device: torch.device = _HOST,
        device_limit: int | None = None,
    ) -> None:
        self._source, self._field, self._limit, self._device = source, field, limit, device
        self._device_limit = device_replay_bytes(device) if device_limit is None else device_limit
        self._replays: OrderedDict[int, Replay] = OrderedDict()

    def __getitem__(self, seed: int) -> Replay:
        """Return the replay of `seed`."""
        replay = self._replays.pop(seed, None)
        while self._replays and self._crowded():
            self._replays.popitem(last=False)
        self._replays[seed] = replay or self.fresh(seed)
        return self._replays[seed]

    def fresh(self, seed: int) -> Replay:
        """Return a replay that reads the source anew, for the determinism check."""
        return Replay(
            self._source,
            seed,
            self._field,
            self._limit // 2,
            device=self._device,
            device_limit=self._device_limit // 2,
        )

    def leave_device(self) -> bool:
        """Keep nothing on the device any more; return whether anything was kept there."""
        self._device_limit = 0
        held = [seed for seed, replay in self._replays.items() if replay.device_bytes]
        for seed in held:
            del self._replays[seed]
        return bool(held)

    def _crowded(self) -> bool:
        """Whether half of the room is taken; the other half is for the seed that comes now."""
        replays = self._replays.values()
        on_device = sum(replay.device_bytes for replay in replays)
        on_host = sum(replay.held_bytes for replay in replays)
        return on_device > self._device_limit // 2 or on_host > self._limit // 2
