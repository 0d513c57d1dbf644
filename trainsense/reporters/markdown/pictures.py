"""The pictures of a document, beside the file that links them."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote_from_bytes

from trainsense.reporters.document.blocks import Block, Card, Figure, Folded
from trainsense.reporters.document.figures.picture import SIGNATURE

LONGEST_NAME: Final = 80
PLOTS: Final = "plots"
"""The folder of a run directory that holds its plots."""


def copied_pictures(blocks: Iterable[Block], target: Path) -> dict[Path, str]:
    """Copy the pictures of all figures into the folder STEM-plots beside `target`, but for those in a folder beside it already.

    Returns:
        The relative link of each picture, by the file it was copied from, without those that cannot be read.

    Raises:
        OSError: the folder or a picture cannot be written.
    """
    folder = target.with_name(f"{target.stem}-plots")
    links: dict[Path, str] = {}
    taken: set[str] = set()
    for figure in _figures(blocks):
        file = figure.file
        if file is None or file in links or (picture := _read(file)) is None:
            continue
        if file.resolve().parent == target.resolve().parent / PLOTS:  # the report is written into the run directory
            links[file] = _link(PLOTS, file.name)
            continue
        name = _free_name(figure.name, taken)
        taken.add(name.lower())
        folder.mkdir(exist_ok=True)
        copy = folder / name
        if not (copy.exists() and copy.samefile(file)):
            copy.write_bytes(picture)
        links[file] = _link(folder.name, name)
    return links


def _link(folder: str, name: str) -> str:
    return quote_from_bytes(f"{folder}/{name}".encode("utf-8", "surrogateescape"))


def _figures(blocks: Iterable[Block]) -> Iterator[Figure]:
    for block in blocks:
        if isinstance(block, Figure):
            yield block
        elif isinstance(block, Card | Folded):
            yield from _figures(block.blocks)


def _read(file: Path) -> bytes | None:
    try:
        picture = file.read_bytes()
    except (OSError, ValueError):
        return None
    return picture if picture.startswith(SIGNATURE) else None


def _free_name(name: str, taken: set[str]) -> str:
    """Return a file name like the figure's own that no other figure has."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:LONGEST_NAME].strip("-") or "plot"
    candidates = (f"{stem}{suffix}.png" for suffix in ("", *(f"-{count}" for count in range(2, len(taken) + 3))))
    return next(one for one in candidates if one.lower() not in taken)
