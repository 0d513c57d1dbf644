"""NumPy's global generator over a measurement, against its state in full."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from trainsense.probes.numpy_state import numpy_state_kept, seed_numpy

DRAWS: list[Callable[[], object]] = [
    lambda: None,
    np.random.standard_normal,
    lambda: np.random.standard_normal(2),
    np.random.random,
    lambda: np.random.permutation(700),
    lambda: np.random.seed(5),
]


def words() -> str:
    """Return the state in full, as text."""
    return str([part.tolist() if isinstance(part, np.ndarray) else part for part in np.random.get_state()])


@pytest.mark.parametrize(("before", "inside"), list(product(range(len(DRAWS)), repeat=2)))
def test_whatever_is_drawn(before: int, inside: int) -> None:
    """Before or inside: the state is as it was, twice in a row, with a kept normal number or without."""
    seed_numpy(3)
    for _ in range(2):
        DRAWS[before]()
        expected = words()
        with numpy_state_kept():
            DRAWS[inside]()
        assert words() == expected
        with numpy_state_kept():
            DRAWS[inside]()
            np.random.standard_normal()
        assert words() == expected


def test_a_generator_of_another_kind() -> None:
    """Its state is read and written in full."""
    own = np.random.get_bit_generator()  # type: ignore[attr-defined]
    try:
        np.random.set_bit_generator(np.random.PCG64(1))  # type: ignore[attr-defined]
        expected = str(np.random.get_state(legacy=False))
        with numpy_state_kept():
            np.random.standard_normal()
        assert str(np.random.get_state(legacy=False)) == expected
    finally:
        np.random.set_bit_generator(own)  # type: ignore[attr-defined]


def test_it_is_restored_after_an_error() -> None:
    """As after anything else."""
    seed_numpy(3)
    expected = words()

    def fails() -> None:
        with numpy_state_kept():
            np.random.random()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert words() == expected
