"""A trace to bytes and back, every bit of it, in a fraction of its size.

Most of a trace says little: a learning rate that never changes, quantities measured at every tenth step, losses that a model in
single precision computed. A column is kept as one value where it is constant, without its gaps where it has many, and in single
precision where that gives the same doubles again; whatever is none of these is kept as it is.

Layout, little-endian: the number of rows (4 bytes), then column by column one byte of flags, with `GAPS` a bitmap of the rows
that are there, and the values.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]

CONSTANT: Final = 1
"""Flag: one value stands for all rows."""
GAPS: Final = 2
"""Flag: rows without a measurement (NaN, of the usual bits) are left out."""
SINGLE: Final = 4
"""Flag: values are in single precision, which holds them exactly."""
_NOTHING: Final = np.array(np.nan, dtype="<f8").view("<u8")[()]
_DOUBLE: Final = np.dtype("<f8")
_FLOAT: Final = np.dtype("<f4")
_COUNT_BYTES: Final = 4


def packed(columns: Sequence[Column]) -> bytes:
    """Return columns of equal length as bytes.

    >>> gaps = np.full(500, np.nan)
    >>> gaps[::10] = 0.1
    >>> len(packed([np.full(500, 0.1), gaps])) < 500
    True
    """
    rows = len(columns[0]) if columns else 0
    return rows.to_bytes(_COUNT_BYTES, "little") + b"".join(_packed(column) for column in columns)


def unpacked(content: bytes, count: int) -> list[Column]:
    """Return the `count` columns that `packed` was given; those that are constant take no memory, and are read-only.

    Raises:
        ValueError: the bytes are not what `packed` writes.

    >>> [column.tolist() for column in unpacked(packed([np.array([0.5, np.inf]), np.array([0.1, -0.0])]), 2)]
    [[0.5, inf], [0.1, -0.0]]
    """
    rows = int.from_bytes(content[:_COUNT_BYTES], "little")
    place = _COUNT_BYTES
    columns = []
    for _ in range(count):
        column, place = _unpacked(content, place, rows)
        columns.append(column)
    if place != len(content):
        msg = f"a trace of {len(content)} bytes ends after {place}"
        raise ValueError(msg)
    return columns


def _packed(column: Column) -> bytes:
    values = np.ascontiguousarray(column, dtype=_DOUBLE)
    bits = values.view("<u8")
    if len(bits) and (bits == bits[0]).all():
        return bytes([CONSTANT]) + values[:1].tobytes()
    flags, bitmap = 0, b""
    there = bits != _NOTHING
    if int(there.sum()) * _FLOAT.itemsize + len(there) / 8 < len(there) * _FLOAT.itemsize:
        flags, bitmap, values = GAPS, np.packbits(there).tobytes(), values[there]
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        single = values.astype(_FLOAT)
        same = np.array_equal(single.astype(_DOUBLE).view("<u8"), values.view("<u8"))
    content = single.tobytes() if same else values.tobytes()
    return bytes([flags | SINGLE if same else flags]) + bitmap + content


def _unpacked(content: bytes, place: int, rows: int) -> tuple[Column, int]:
    """Return the column that begins at `place`, and where the next one does."""
    if place >= len(content) or content[place] > (CONSTANT | GAPS | SINGLE):
        msg = "a trace ends before its last column, or has one of an unknown layout"
        raise ValueError(msg)
    flags = content[place]
    place += 1
    if flags & CONSTANT:
        value = np.frombuffer(content, _DOUBLE, 1, place)[0]
        return np.broadcast_to(value, rows), place + _DOUBLE.itemsize
    kind = _FLOAT if flags & SINGLE else _DOUBLE
    if not flags & GAPS:
        return _values(content, kind, rows, place), place + rows * kind.itemsize
    size = (rows + 7) // 8
    there = np.unpackbits(np.frombuffer(content, np.uint8, size, place), count=rows).view(bool)
    count = int(np.count_nonzero(there))
    column = np.full(rows, np.nan)
    column[there] = _values(content, kind, count, place + size)
    return column, place + size + count * kind.itemsize


def _values(content: bytes, kind: "np.dtype[np.floating]", count: int, place: int) -> Column:
    found = np.frombuffer(content, kind, count, place) if count else np.empty(0)
    return found.astype(np.float64)
