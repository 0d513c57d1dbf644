"""Joining the ranks that torchrun started, and leaving them."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Final, TypeVar

import torch
from torch import distributed

from trainsense.errors import LostRanksError, OptionError
from trainsense.ranks.place import place_of
from trainsense.ranks.ranks import ALONE, Ranks
from trainsense.ranks.wire import FAREWELL, PATIENCE, Wire

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

T = TypeVar("T")

BACKEND: Final = {"cuda": "cpu:gloo,cuda:nccl", "cpu": "gloo"}
"""Of the process group that models find, unless the workload has made one itself."""

_joined: Final[list[Ranks]] = []
"""The ranks that this process has joined: one entry, or none."""


@contextmanager
def joined(device: str) -> Iterator[Ranks]:
    """Yield the ranks that train together; a single one without torchrun. Joined once more inside, they are the same.

    The process group is the workload's own where it has made one, else it is made here and destroyed at the end.

    Args:
        device: as asked for: `auto`, `cpu`, `cuda`, …

    Raises:
        OptionError: the device does not suit several ranks.
        LostRanksError: the ranks do not find each other.
    """
    if _joined:
        yield _joined[-1]
        return
    made = distributed.is_available() and distributed.is_initialized()
    count = distributed.get_world_size() if made else place_of().count
    if count == 1:
        yield ALONE
        return
    if not distributed.is_available():
        msg = "torchrun started several ranks, but this torch is built without torch.distributed: run it without torchrun."
        raise OptionError(msg)
    chosen = device_of_rank(device)
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    try:
        if not made:
            distributed.init_process_group(BACKEND[chosen.type])
        group = distributed.new_group(backend="gloo", timeout=PATIENCE)
    except (RuntimeError, ValueError) as error:
        msg = f"The ranks that torchrun started do not find each other: {str(error).splitlines()[0]}"
        raise LostRanksError(msg) from error
    rank = distributed.get_rank()
    wire = Wire(rank=rank, count=count, group=group, notes=_store(), farewell=FAREWELL)
    ranks = Ranks(rank=rank, count=count, wire=wire)
    with _interrupted_together(ranks):
        _joined.append(ranks)
        try:
            yield ranks
        finally:
            _joined.pop()
            if not ranks.lost:
                with suppress(RuntimeError):
                    distributed.barrier(group)  # that none is gone while others still tear down
                    distributed.destroy_process_group(None if not made else group)


@contextmanager
def joined_after(load: Callable[[], T], device: str) -> Iterator[tuple[T, Ranks]]:
    """Yield what `load` returns and the ranks, joined after it: the workload's file may make the process group itself.

    Raises:
        Exception: what `load` raised, here or on another rank; else as `joined`.
    """
    failed: Exception | None = None
    loaded: list[T] = []
    try:
        loaded.append(load())
    except Exception as error:  # noqa: BLE001 - raised below, once the others can hear of it
        failed = error
    with joined(device) as ranks:
        with ranks.together():
            if failed is not None:
                raise failed
        yield loaded[0], ranks


def device_of_rank(name: str) -> torch.device:
    """Return the device of this rank: each has a GPU of its own where there are any.

    Raises:
        OptionError: there are too few, or the name is that of one device for all.
    """
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    place = place_of()
    index = place.local if place.count > 1 else torch.cuda.current_device() if torch.cuda.is_available() else 0
    if name not in ("auto", "cuda"):
        msg = f"--device {name} names one device, and each rank that torchrun starts needs its own: auto, cuda or cpu."
        raise OptionError(msg)
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if index >= count:
        msg = f"Rank {place.rank} would train on cuda:{index}, and torch sees {count} CUDA devices: use fewer ranks, or --device cpu."
        raise OptionError(msg)
    return torch.device("cuda", index)


@contextmanager
def _interrupted_together(ranks: Ranks) -> Iterator[None]:
    """Let rank 0 alone decide what an interruption ends, and only where all ranks can hear of it.

    torchrun passes an interruption on that the terminal has already sent to every process: the second is ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    seen: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        if not ranks.first or len(seen) > 1:
            return
        if ranks.together_now:
            ranks.interrupted = True
        elif callable(before):
            before(number, frame)
        else:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _store() -> "Store | None":
    """Return the key-value store that the ranks found each other by, which outlives all but the one that serves it."""
    with suppress(RuntimeError, ValueError, AttributeError):
        return distributed.distributed_c10d._get_default_store()  # noqa: SLF001 - torch has no public name for it
    return None
