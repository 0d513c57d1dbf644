"""Standard output carries the report alone: whatever else prints during a run goes to standard error."""

import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import StringIO, TextIOWrapper
from typing import TextIO, cast

from trainsense.errors import CannotRunError

STDOUT = 1
STDERR = 2


@contextmanager
def report_stream() -> Iterator[TextIO]:
    """Yield the real standard output; meanwhile `sys.stdout` and descriptor 1 lead to standard error.

    So `print` in the user's code, C libraries and child processes cannot mix with the report. Everything is put back
    at the end. A `sys.stdout` that is not descriptor 1 (a test's capture, a notebook) is yielded as it is.
    """
    original = sys.stdout or StringIO()  # None where the caller closed it
    _flush_everything(original)
    kept = _duplicate(STDOUT)
    stream = _reopened(original, kept) if kept is not None and _descriptor(original) == STDOUT else original
    sys.stdout = sys.stderr
    if kept is not None:
        with suppress(OSError):
            os.dup2(STDERR, STDOUT)
    try:
        yield stream
    finally:
        if stream is not original:
            with suppress(OSError):
                stream.close()
        _flush_everything(sys.stdout, sys.__stdout__)
        if kept is not None:
            os.dup2(kept, STDOUT)
            os.close(kept)
        sys.stdout = original


def deliver(write: Callable[[TextIO], object], stream: TextIO) -> None:
    """Write to standard output; a reader that left early (`| head`) is no error.

    Raises:
        CannotRunError: the stream cannot take it, for instance because the disk is full.
    """
    try:
        write(stream)
        stream.flush()
    except BrokenPipeError:
        _sink(stream)
    except OSError as error:
        _sink(stream)
        msg = f"The report could not be written to standard output: {error.strerror}."
        raise CannotRunError(msg) from None


def silence_stdout() -> None:
    """Point standard output at standard error for good: what the user's exit handlers print is no report."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()
    with suppress(OSError):
        os.dup2(STDERR, STDOUT)


def write_line(text: str) -> None:
    """Write one line to standard error; if nobody reads it any more, go on."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def _reopened(original: TextIO, kept: int) -> TextIO:
    binary = os.fdopen(os.dup(kept), "wb")
    return cast("TextIO", TextIOWrapper(binary, encoding=original.encoding or "utf-8", errors="replace"))


def _descriptor(stream: TextIO | None) -> int | None:
    try:
        return stream.fileno() if stream is not None else None
    except (OSError, ValueError, AttributeError):  # a capture without a file behind it
        return None


def _duplicate(descriptor: int) -> int | None:
    try:
        return os.dup(descriptor)
    except OSError:  # closed by the caller: `>&-`
        return None


def _flush_everything(*streams: TextIO | None) -> None:
    for stream in streams:
        with suppress(OSError, ValueError, AttributeError):
            if stream is not None:
                stream.flush()
    with suppress(OSError, AttributeError, TypeError):  # not every platform opens its own symbols
        ctypes.CDLL(None).fflush(None)  # what C code printed and still holds back


def _sink(stream: TextIO) -> None:
    """Let what is still buffered go nowhere, so that closing the stream does not fail again."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
