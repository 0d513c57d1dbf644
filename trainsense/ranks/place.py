"""`Place`: which of several processes this is, by what torchrun sets in the environment; nothing here needs torch."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

SET_BY_TORCHRUN: Final = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
"""All of them: schedulers leave some of them, but not LOCAL_RANK, to processes that are alone."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A process among those that were started together.

    Attributes:
        rank: its number, 0 or more.
        count: how many there are, 1 or more.
        local: its number among those on this machine.
    """

    rank: int = 0
    count: int = 1
    local: int = 0


def place_of(environment: Mapping[str, str] | None = None) -> Place:
    """Return the place that torchrun gave this process; that of a single one without torchrun.

    >>> place_of({"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"})
    Place(rank=1, count=2, local=1)
    >>> place_of({"RANK": "1", "WORLD_SIZE": "2"})
    Place(rank=0, count=1, local=0)
    """
    known = os.environ if environment is None else environment
    numbers = [known.get(name, "") for name in SET_BY_TORCHRUN[:3]]
    if not all(known.get(name) for name in SET_BY_TORCHRUN) or not all(number.isdecimal() for number in numbers):
        return Place()
    rank, count, local = map(int, numbers)
    return Place(rank=rank, count=count, local=local) if count > 1 else Place()
