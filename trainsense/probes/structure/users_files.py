"""Which files are the user's: neither torch's nor trainsense's, and better none of another library."""

import os
import sys
import sysconfig
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

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
    for owner in ("user", "library"):
        found = next((one for one in reversed(lines) if _owner(one[0]) == owner), None)
        if found is not None:
            return shown(found[0]), found[1]
    return None


def shown(file: str) -> str:
    """Return a file as people name it: relative to the current directory if it lies below it.

    >>> shown(str(Path.cwd() / "models" / "net.py")) == str(Path("models") / "net.py")
    True
    """
    path, folder = Path(file), Path.cwd()
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else file


def current_line() -> tuple[str, int] | None:
    """Return the innermost line of the user's that is being run; one of a library's where none is, None if all are torch's.

    The file is named as Python does.
    """
    library: tuple[str, int] | None = None
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - `inspect.stack` reads the sources
    while frame is not None:
        file = frame.f_code.co_filename
        owner = _owner(file)
        if owner == "user":
            return file, frame.f_lineno
        if owner == "library" and library is None:
            library = file, frame.f_lineno
        frame = frame.f_back
    return library


@lru_cache(maxsize=4096)
def _owner(file: str) -> Literal["torch", "library", "user"]:
    """Return whose a file is; trainsense's and Python's import machinery count as torch's."""
    if file.startswith(_NOT_THE_USERS):
        return "torch"
    return "library" if any(part in file for part in _LIBRARIES) else "user"
