"""Several ranks, one voice: the first tells, the others are silent but for a crash of their own."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from trainsense.cli.streams import STDERR, STDOUT
from trainsense.errors import LostRanksError, TrainsenseError
from trainsense.ranks.place import place_of

_kept: Final[list[int]] = []
"""Where standard error led before this process was silenced."""


def silence_followers() -> None:
    """Let standard output and standard error go nowhere, unless this is rank 0 or there is only one."""
    if place_of().rank == 0:
        return
    with suppress(OSError):
        _kept.append(os.dup(STDERR))
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, STDOUT)
        os.dup2(nowhere, STDERR)
        os.close(nowhere)


@contextmanager
def voice_for(error: BaseException) -> Iterator[None]:
    """Let a silenced process tell inside what rank 0 cannot: that it crashed by itself, or on a machine of its own."""
    if not _kept or not (_is_own(error) or place_of().local == 0):
        yield
        return
    silent = os.dup(STDERR)
    os.dup2(_kept[0], STDERR)
    try:
        yield
    finally:
        os.dup2(silent, STDERR)
        os.close(silent)


def leave(error: BaseException, status: int) -> None:
    """End the process at once if the other ranks are lost: torch would wait for them on the way out."""
    if isinstance(error, LostRanksError):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(status)


def end_alike() -> None:
    """Let this rank end with its own status: torchrun would terminate it as soon as another has ended with one but 0."""
    if place_of().count > 1:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _is_own(error: BaseException) -> bool:
    return isinstance(error, LostRanksError) or (
        isinstance(error, Exception) and not isinstance(error, TrainsenseError)
    )
