"""Pictures within the page: which of them have room, most important first."""

import stat
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trainsense.reporters.document import Block, Card, Figure, Folded

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
HEADER: Final = slice(12, 16)
"""Where a PNG names its first chunk: `IHDR`, with width and height after it, four bytes each (PNG, section 11.2.1)."""
FRONT: Final = 24
"""Bytes up to the end of width and height."""
MARKUP_BYTES: Final = 200
"""Of an image's own markup at most, beside its data and its alternative text."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A PNG: its pixels and itself as a `data:` address; `address` None where the page has no room for it."""

    width: int
    height: int
    address: str | None


def pictures_within(blocks: Sequence[Block], room: int) -> Mapping[Path, Picture]:
    """Return the pictures of a document by file; the first ones have addresses, as long as there is room.

    A file that cannot be read or is no PNG is not among them.

    Args:
        blocks: of the document, the most important pictures first.
        room: bytes.
    """
    pictures: dict[Path, Picture] = {}
    for file, count in Counter(_files(blocks)).items():
        size = _size(file)
        if size is None:
            continue
        bytes_needed = count * (4 * ((size + 2) // 3) + MARKUP_BYTES)
        whole = bytes_needed <= room
        picture = _read(file, size if whole else FRONT, whole=whole)
        if picture is not None:
            pictures[file] = picture
            room -= bytes_needed if picture.address else 0
    return pictures


def _files(blocks: Sequence[Block]) -> Iterator[Path]:
    """Yield the files of all figures from top to bottom."""
    for block in blocks:
        if isinstance(block, Figure) and block.file is not None:
            yield block.file
        elif isinstance(block, Folded | Card):
            yield from _files(block.blocks)


def _size(file: Path) -> int | None:
    """Return how many bytes a plain file has, None for anything else: a pipe would never end."""
    try:
        entry = file.stat()
    except (OSError, ValueError):
        return None
    return entry.st_size if stat.S_ISREG(entry.st_mode) else None


def _read(file: Path, count: int, *, whole: bool) -> Picture | None:
    try:
        with file.open("rb") as stream:
            data = stream.read(count)
    except (OSError, ValueError):
        return None
    if not data.startswith(SIGNATURE) or data[HEADER] != b"IHDR" or len(data) < FRONT:
        return None
    width, height = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    address = "data:image/png;base64," + b64encode(data).decode("ascii") if whole else None
    return Picture(width=width, height=height, address=address)
