"""`Failure`: what one rank raised, on its way to the others."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from trainsense.errors import TrainsenseError, UserCodeError


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What one rank raised.

    Attributes:
        rank: whose it is.
        kind: a class of `errors`, `MemoryError`, or `KeyboardInterrupt`.
        message: its text.
        user_traceback: where in the user's code, empty if not there.
    """

    rank: int
    kind: type[BaseException]
    message: str
    user_traceback: str = ""

    @staticmethod
    def of(rank: int, error: BaseException) -> "Failure":
        """Return the failure that `error` is on `rank`."""
        traceback = error.user_traceback if isinstance(error, UserCodeError) else ""
        if any(isinstance(one, MemoryError | torch.OutOfMemoryError) for one in causes(error)):
            return Failure(rank=rank, kind=MemoryError, message=str(error))
        if isinstance(error, TrainsenseError | KeyboardInterrupt):
            return Failure(rank=rank, kind=type(error), message=str(error), user_traceback=traceback)
        return Failure(rank=rank, kind=TrainsenseError, message=f"{type(error).__name__}: {error}")

    def error(self, *, named: bool = True) -> BaseException:
        """Return the error as it is raised on another rank; its text begins with the rank if `named`."""
        message = f"rank {self.rank}: {self.message}" if named else self.message
        if issubclass(self.kind, UserCodeError):
            return self.kind(message, self.user_traceback)
        return self.kind(message)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error, what it was raised from, and so on."""
    while error is not None:
        yield error
        error = error.__cause__
