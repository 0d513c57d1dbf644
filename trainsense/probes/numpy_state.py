"""The state of NumPy's global generator, kept over a measurement at little cost."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

_STATE_BYTES: Final = 624 * 4 + 4
"""Of a Mersenne twister: its words and its place among them."""


class _Seeded:
    """The state after the last seeding: its bits, and all of it once it has been read."""

    bits: bytes = b""
    state: Any = None


def seed_numpy(seed: int) -> None:
    """Seed NumPy's global generator; `seed` below 2^32."""
    np.random.seed(seed)
    _Seeded.bits, _Seeded.state = _bits(), None


@contextmanager
def numpy_state_kept() -> Iterator[None]:
    """Leave NumPy's global generator as it was.

    Reading and writing its state in full takes as long as a forward pass of a small network, so it is done only where somebody
    has drawn since it was seeded. Its bits alone would not tell in between: every other normal number comes from the one before.
    """
    before = _bits()
    untouched = before != b"" and before == _Seeded.bits
    if not untouched:
        state = np.random.get_state(legacy=False)
    elif _Seeded.state is None:
        state = _Seeded.state = np.random.get_state(legacy=False)
    else:
        state = _Seeded.state
    try:
        yield
    finally:
        if not untouched or _bits() != before:
            np.random.set_state(state)


def _bits() -> bytes:
    """Return the generator's memory, empty where it is of a kind that we do not know."""
    generator = np.random.mtrand._rand._bit_generator  # noqa: SLF001
    if type(generator) is not np.random.MT19937:
        return b""
    return ctypes.string_at(generator.ctypes.state_address, _STATE_BYTES)
