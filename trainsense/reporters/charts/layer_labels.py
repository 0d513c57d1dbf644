"""Names of layers on an axis: as many as there is room for, never one on the other."""

from collections.abc import Collection, Sequence
from typing import Final

from matplotlib.axes import Axes

from trainsense.reporters.charts.style import BLACK, VERMILLION, drawable
from trainsense.reporters.shortening import shortened_path

NAME_COLUMNS: Final = 26


def label_layers(axes: Axes, names: Sequence[str], *, named: Collection[int], most: int) -> None:
    """Label the rows of the y axis, one a layer.

    Args:
        axes: row 0 at the top.
        names: one per row.
        named: rows that a finding names, the most telling first; they keep their label and are marked.
        most: labels that there is room for, at least 2.
    """
    rows = labelled_rows(len(names), list(named), most)
    said = [f"{'> ' if row in named else ''}{drawable(shortened_path(names[row], NAME_COLUMNS))}" for row in rows]
    axes.set_yticks(rows, said, fontsize=7.5)
    axes.tick_params(axis="y", length=2.0)
    for row, label in zip(rows, axes.get_yticklabels(), strict=True):
        label.set_parse_math(False)
        label.set_color(VERMILLION if row in named else BLACK)
        label.set_fontweight("bold" if row in named else "normal")
    axes.set_ylabel(f"{len(names)} layers, the first at the top" if len(names) > 1 else "")


def labelled_rows(count: int, named: Sequence[int], most: int) -> list[int]:
    """Return the rows to label, ascending, none nearer to another than the room allows.

    >>> labelled_rows(20, [10], 10)
    [0, 3, 6, 10, 13, 16, 19]
    """
    apart = -(-(count - 1) // max(1, most - 1)) if count > 1 else 1
    chosen: list[int] = []
    for row in (*named, 0, count - 1, *range(count)):
        if all(abs(row - other) >= apart for other in chosen):
            chosen.append(row)
    return sorted(chosen)
