"""The pictures of a report, where they are at hand."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

PICTURE: Final = ".png"


def plot_files(names: Iterable[str], plots: Mapping[str, str], directory: Path | None) -> tuple[Path, ...]:
    """Return the PNGs that exist, as paths that can be opened; what a report names outside its folder is none of its.

    Args:
        names: of plots, as findings refer to them.
        plots: the report's: file by name, relative to `directory`.
        directory: the report's folder, None where its plots are not at hand.
    """
    if directory is None:
        return ()
    files = (directory / plots[name] for name in dict.fromkeys(names) if name in plots)
    return tuple(file for file in files if _is_picture(file, directory))


def _is_picture(file: Path, directory: Path) -> bool:
    try:
        inside = file.resolve().is_relative_to(directory.resolve())
        return inside and file.suffix.lower() == PICTURE and file.is_file()
    except (OSError, ValueError, RuntimeError):  # too long, a zero byte, links in a circle
        return False
