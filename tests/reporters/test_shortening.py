"""Tests of texts that must stay on one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.reporters.test_layers import HOSTILE
from trainsense.reporters.shortening import shortened, shortened_path


@given(st.text(max_size=60), st.integers(1, 40))
def test_never_wider_than_asked(text: str, columns: int) -> None:
    """And on one line."""
    for said in (shortened(text, columns), shortened_path(text, columns)):
        assert cell_len(said) <= columns
        assert len(said.splitlines()) <= 1


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("columns", [1, 2, 20, 1000])
def test_hostile_texts(text: str, columns: int) -> None:
    """Nor longer than a few lines, where characters have no width."""
    for said in (shortened(text, columns), shortened_path(text, columns)):
        assert cell_len(said) <= columns
        assert len(said) <= 1000


def test_what_fits_is_left_alone() -> None:
    """To the column."""
    assert shortened_path("a.b.c", 5) == shortened("a.b.c", 5) == "a.b.c"


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (41, "bert..layer.11.attention.self.query"),
        (30, "bert..11.attention.self.query"),
        (20, "bert..11..self.query"),
        (15, "bert..11..query"),
        (14, "bert.en….query"),
    ],
)
def test_numbers_and_the_last_name_stay(columns: int, expected: str) -> None:
    """They tell one layer from the next."""
    assert shortened_path("bert.encoder.layer.11.attention.self.query", columns) == expected
