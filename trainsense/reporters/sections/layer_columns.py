"""The columns of the table of layers: which there are, and which stay where the line is short."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from trainsense.reporters.numbers import as_number, number_text, percent_text

NO_FIGURE: Final = "–"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of figures.

    Args:
        title: what stands above it.
        step: the snapshot whose figures it shows; None where it is no matter of one.
        cells: one per layer.
        stays: the higher, the longer it stays where the line is short.
        numeric: whether the cells are figures.
    """

    title: str
    step: int | None
    cells: tuple[str, ...]
    stays: int
    numeric: bool = True

    @property
    def heading(self) -> str:
        """The title, with the step below it."""
        return self.title if self.step is None else f"{self.title}\nstep {self.step}"


def magnitude_text(value: object) -> str:
    """Return a figure of which the order of magnitude matters.

    >>> [magnitude_text(value) for value in (0.0123, 0, None, "nan")]
    ['1.2e-02', '0', '–', 'nan']
    """
    number = as_number(value)
    if number is None:
        return NO_FIGURE
    return f"{number:.1e}" if number and math.isfinite(number) else number_text(number)


def columns_of(layers: Mapping[str, Any]) -> list[Column]:
    """Return the columns that hold a figure, left to right.

    Args:
        layers: the entry `layers` of the stage `preflight`.
    """
    weights = layers["weights"]
    kinds = Column(title="kind", step=None, cells=tuple(weight["kind"] for weight in weights), stays=1, numeric=False)
    columns = [kinds]
    for title, key, end, stays, write in SPECIFICATIONS:
        steps = _steps_with(key, weights)
        if not steps or any(one.title == title and one.step == steps[end] for one in columns):
            continue
        cells = tuple(write(_figure(weight["readings"], steps[end], key)) for weight in weights)
        columns.append(Column(title=title, step=steps[end], cells=cells, stays=stays))
    return columns


def _steps_with(key: str, weights: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the steps at which any layer has the figure, ascending."""
    return sorted({reading["step"] for weight in weights for reading in weight["readings"] if reading[key] is not None})


def _figure(readings: Sequence[Mapping[str, Any]], step: int, key: str) -> object:
    return next((reading[key] for reading in readings if reading["step"] == step), None)


def _scale_text(value: object) -> str:
    return NO_FIGURE if value is None else number_text(value, 2)


def _share_text(value: object) -> str:
    number = as_number(value)
    if number is None:
        return NO_FIGURE
    return f"{percent_text(number)}%" if math.isfinite(number) else number_text(number)


FIRST, LAST = 0, -1
SPECIFICATIONS: Final[tuple[tuple[str, str, int, int, Callable[[object], str]], ...]] = (
    ("gradient", "relative_gradient", FIRST, 7, magnitude_text),
    ("gradient", "relative_gradient", LAST, 3, magnitude_text),
    ("update", "update_ratio", LAST, 4, magnitude_text),
    ("output", "output_rms", FIRST, 2, _scale_text),
    ("dead", "dead", LAST, 6, _share_text),
    ("saturated", "saturated", LAST, 5, _share_text),
)
"""Title, figure, the first or the last step that has it, how long the column stays, and how a cell is written."""
