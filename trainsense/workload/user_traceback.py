"""The user's own errors, told from their code on: no frame of trainsense, no import machinery."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from traceback import FrameSummary, StackSummary, TracebackException
from types import TracebackType

from trainsense.errors import TrainsenseError, UserCodeError

OWN_FRAMES = f"{Path(__file__).resolve().parents[1]}{os.sep}"
IMPORT_MACHINERY = "<frozen importlib"
LONGEST_TEXT = 300


def user_code(where: str) -> AbstractContextManager[None]:
    """Run the user's code inside; turn what it raises into a `UserCodeError`.

    Args:
        where: what was being done, the start of the message: `"Workload.loss on batch 3"`.

    Raises:
        UserCodeError: the code inside raised an exception or called `sys.exit`. `KeyboardInterrupt` and
            trainsense's own errors pass through unchanged.
    """
    return _UserCode(where)


class _UserCode:
    """Entered twice at every step of a training: a generator would cost 3 % of the smallest."""

    __slots__ = ("_where",)

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, SystemExit):
            raise _exit_refused(self._where, error) from error
        if isinstance(error, Exception) and not isinstance(error, TrainsenseError):
            message = f"{self._where} raised {described(error)}"
            raise UserCodeError(message, format_user_traceback(error)) from error


@contextmanager
def without_exits(where: str) -> Iterator[None]:
    """Run what calls the user's code inside; an exit from there must not end the process with a status of its own.

    Args:
        where: what was being done, the start of the message: `"The workload"`.

    Raises:
        UserCodeError: the code inside called `sys.exit`. Everything else passes through unchanged.
    """
    try:
        yield
    except SystemExit as error:
        raise _exit_refused(where, error) from error


def _exit_refused(where: str, error: SystemExit) -> UserCodeError:
    way_out = "sys.exit ends the whole diagnosis: guard it with `if __name__ == '__main__':`."
    return UserCodeError(f"{where} raised {described(error)}. {way_out}", format_user_traceback(error))


def described(error: BaseException) -> str:
    """Return the exception's type and the first line of its text.

    >>> described(ValueError("too large"))
    'ValueError: too large'
    >>> described(AssertionError())
    'AssertionError'
    """
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    if len(text) > LONGEST_TEXT:
        text = text[: LONGEST_TEXT - 3] + "..."
    return f"{type(error).__qualname__}: {text}" if text else type(error).__qualname__


def format_user_traceback(error: BaseException) -> str:
    """Return the traceback of `error` and its causes as text, without frames of trainsense or of the import machinery.

    Frames of torch and other libraries stay: they show where in them the user's values failed. Without any frame
    left, the exception itself is still told.
    """
    summary = TracebackException.from_exception(error, compact=True)
    _drop_own_frames(summary)
    return "".join(summary.format())


def _drop_own_frames(summary: TracebackException) -> None:
    summary.stack = StackSummary.from_list([frame for frame in summary.stack if not _is_own(frame)])
    for linked in (summary.__cause__, summary.__context__, *(summary.exceptions or ())):
        if linked is not None:
            _drop_own_frames(linked)


def _is_own(frame: FrameSummary) -> bool:
    return frame.filename.startswith((OWN_FRAMES, IMPORT_MACHINERY))
