"""Which files are the user's: neither torch's nor trainsense's, and better none of another library."""

import os
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import torch

if TYPE_CHECKING:
    from types import FrameType

_NOT_THE_USERS: Final = (
    f"{Path(torch.__file__).parent}{os.sep}",
    f"{Path(__file__).parents[2]}{os.sep}",
    "<frozen ",
)
_LIBRARIES: Final = ("site-packages", "dist-packages", sysconfig.get_path("stdlib"))


def innermost(lines: Sequence[tuple[str, int]]) -> tuple[str, int] | None:
    """Return the last of some lines that is the user's; one of another library where none is, None if all are torch's.

    Args:
        lines: files and lines, those that are called from others after them.

    >>> innermost([("train.py", 3), (f"{_NOT_THE_USERS[0]}nn/modules/linear.py", 134)])
    ('train.py', 3)
    """
    kept = [(file, line) for file, line in lines if not file.startswith(_NOT_THE_USERS)]
    users = [(file, line) for file, line in kept if not any(part in file for part in _LIBRARIES)]
    last = next(reversed(users or kept), None)
    return None if last is None else (shown(last[0]), last[1])


def shown(file: str) -> str:
    """Return a file as people name it: relative to the current directory if it lies below it.

    >>> shown(str(Path.cwd() / "models" / "net.py")) == str(Path("models") / "net.py")
    True
    """
    path, folder = Path(file), Path.cwd()
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else file


def current_line() -> tuple[str, int] | None:
    """Return the innermost line of the user's that is being run."""
    lines: list[tuple[str, int]] = []
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - `inspect.stack` reads the sources
    while frame is not None:
        lines.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return innermost(lines[::-1])
