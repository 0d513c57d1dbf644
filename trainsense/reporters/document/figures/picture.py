"""The picture of a plot: which file may be read for it. Reports may come from strangers."""

from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
"""What every PNG begins with (ISO/IEC 15948, 5.2)."""


def picture_of(name: str, path: str, directory: Path | None) -> Path | None:
    """Return the PNG of a plot.

    Args:
        name: of the plot.
        path: as the report has it, relative to `directory`.
        directory: where the report lies, None where its plots are not at hand.

    Returns:
        A path that can be opened: at `path`, else NAME.png in the directory itself. None where neither is a PNG, or
        where a path leaves the directory.
    """
    if directory is None or not _stays(path):
        return None
    try:
        return next(
            (file for one in (path, f"{name}.png") if _stays(one) and _is_png(file := directory / one, directory)), None
        )
    except (OSError, ValueError, RuntimeError):  # too long a name, a null character, a ring of links
        return None


def _stays(path: str) -> bool:
    """Whether a path names something below where it starts, on any system."""
    pure = PureWindowsPath(path)
    return not (PurePosixPath(path).is_absolute() or pure.drive or pure.root or ".." in pure.parts)


def _is_png(file: Path, directory: Path) -> bool:
    if not (file.suffix.lower() == ".png" and file.resolve().is_relative_to(directory.resolve()) and file.is_file()):
        return False
    with file.open("rb") as stream:
        return stream.read(len(SIGNATURE)) == SIGNATURE
