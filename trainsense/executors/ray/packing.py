"""A folder as one archive: bounded before it is written, and without what belongs to this machine."""

import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from trainsense.errors import OptionError

LEFT_BEHIND: Final = (".?*", "__pycache__", "*.pyc", "venv", "node_modules")
"""Hidden files and folders (`.git`, `.trainsense`, `.venv`, `.env`, `.ssh`, caches) and what every machine makes anew."""
IGNORE_FILE: Final = ".rayignore"
MOST_BYTES: Final = 512 * 2**20
"""Ray takes no larger package."""
LARGEST_SHOWN: Final = 3
MEBIBYTE: Final = 2**20


def pack(folder: Path, into: Path, run_dir: Path | None) -> Path:
    """Write the folder's files into an archive, and return where it lies.

    Ray's own packing writes into a folder of its own while it reads this one: where one holds the other, it fills the disk.

    Args:
        folder: the workload's.
        into: a folder for the archive.
        run_dir: where trials are kept, which stays here.

    Raises:
        OptionError: the folder is too large, or holds far more than a workload.
    """
    check_folder(folder)
    files = _files(folder, [*LEFT_BEHIND, *_ignored(folder), *_inside(folder, run_dir)])
    archive = into / "workload.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as opened:
        for path in files:
            opened.write(path, path.relative_to(folder))
    return archive


def check_folder(folder: Path) -> None:
    """Raise where a workload's file lies among much that is none of it.

    Raises:
        OptionError: the folder holds the user's home, or it is where temporary files go.
    """
    home, temporary = Path.home().resolve(), Path(tempfile.gettempdir()).resolve()
    if home.is_relative_to(folder) or temporary.is_relative_to(folder):
        msg = f"--engine ray ships the workload's folder to the cluster, and {folder} holds much that is none of it: move the workload into a folder of its own."
        raise OptionError(msg)


def _files(folder: Path, left_behind: list[str]) -> list[Path]:
    """Return the files that are shipped; raise where they are too large together."""
    sizes: dict[Path, int] = {}
    for path in _walked(folder, left_behind):
        sizes[path] = path.stat().st_size
    if sum(sizes.values()) >= MOST_BYTES:
        largest = sorted(sizes, key=lambda path: sizes[path], reverse=True)[:LARGEST_SHOWN]
        shown = ", ".join(f"{path.relative_to(folder)} ({_mebibytes(sizes[path])})" for path in largest)
        msg = (
            f"--engine ray ships the workload's folder {folder} to the cluster, and it is too large:"
            f" {_mebibytes(sum(sizes.values()))}, of at most {_mebibytes(MOST_BYTES)}. Largest: {shown}. Name what"
            f" training does not need in {folder / IGNORE_FILE}, and put data where every node can read it."
        )
        raise OptionError(msg)
    return sorted(sizes)


def _walked(folder: Path, left_behind: list[str]) -> Iterator[Path]:
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _stays(Path(at, name), folder, left_behind)]
        paths = (Path(at, name) for name in names)
        yield from (path for path in paths if path.is_file() and not _stays(path, folder, left_behind))


def _stays(path: Path, folder: Path, patterns: Iterable[str]) -> bool:
    """Whether a pattern matches the name, or the whole path if the pattern has a slash.

    >>> [_stays(Path("/a/data/b.bin"), Path("/a"), [one]) for one in ("*.bin", "data/*.bin", "/data/b.bin", "b", "/b.bin")]
    [True, True, True, False, False]
    """
    whole = path.relative_to(folder).as_posix()
    return any(fnmatch(whole if "/" in one else path.name, one.lstrip("/")) for one in patterns)


def _ignored(folder: Path) -> list[str]:
    """Return the patterns of `.rayignore`, one a line as in `.gitignore`, without exceptions (`!`)."""
    try:
        text = (folder / IGNORE_FILE).read_text(encoding="utf-8")
    except OSError:
        return []
    lines = (line.strip().rstrip("/") for line in text.splitlines())
    return [line for line in lines if line and not line.startswith(("#", "!"))]


def _inside(folder: Path, run_dir: Path | None) -> list[str]:
    """Return the run directory as a pattern, if it lies in the folder."""
    place = folder if run_dir is None else run_dir.resolve()
    return [f"/{place.relative_to(folder).as_posix()}"] if folder in place.parents else []


def _mebibytes(size: int) -> str:
    return f"{size / MEBIBYTE:.0f} MiB"
