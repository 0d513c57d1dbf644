"""Joining a cluster: is anyone there, with which token, and what Ray's errors mean."""

import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from trainsense.errors import CannotRunError

REACHABLE_SECONDS: Final = 5.0
"""Ray itself waits two minutes for someone to answer."""
NO_TOKEN: Final = ("Unauthenticated", "InvalidAuthToken", "Token authentication")
HOW_IN: Final = "set RAY_AUTH_TOKEN to it (or RAY_AUTH_TOKEN_PATH to a file that holds it) and RAY_AUTH_MODE=token."
HINTS: Final = "Python and Ray must be of the same versions there as here, with torch installed."
LONGEST: Final = 600
"""Characters of Ray's own words that a message repeats."""


def check_reachable(address: str) -> None:
    """Raise unless someone answers at `host:port` or `ray://host:port`; other addresses are Ray's to judge.

    Raises:
        CannotRunError: nobody does.
    """
    host, colon, port = address.rpartition("://")[2].partition("/")[0].rpartition(":")
    if not colon or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=REACHABLE_SECONDS).close()
    except OSError as error:
        reason = error.strerror or str(error)
        msg = f"--engine ray: no Ray cluster answers at RAY_ADDRESS={address} ({reason}). Start it, or unset RAY_ADDRESS for a Ray on this machine."
        raise CannotRunError(msg) from None


def explained(error: BaseException, address: str) -> CannotRunError:
    """Return what Ray's error means for who wanted to join."""
    told = "\n".join(str(one) for one in _chain(error))
    where = f"--engine ray: the Ray cluster at RAY_ADDRESS={address}"
    if any(word in told for word in NO_TOKEN):
        return CannotRunError(f"{where} takes no one without its token: {HOW_IN}")
    if "client connection timeout" in told:
        return CannotRunError(f"{where} does not let this process in. If it wants a token: {HOW_IN}")
    if "ray[client]" in told:
        return CannotRunError(f"{where} needs Ray's client: pip install 'trainsense-diagnostics[ray]'")
    return CannotRunError(f"{where} cannot be used: {' '.join(told.split())[:LONGEST]}. {HINTS}")


@contextmanager
def standard_error_kept_quiet() -> Iterator[None]:
    """Keep what Ray's C++ core writes to standard error from it: a line a second while it tries."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with tempfile.TemporaryFile() as nowhere:
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
