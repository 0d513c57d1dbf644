"""The house style of every chart: palette, figure, and how it is saved."""

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font

from trainsense.reporters.sections.layout import cleaned
from trainsense.reporters.shortening import shortened

BLUE: Final = "#0072B2"
ORANGE: Final = "#E69F00"
GREEN: Final = "#009E73"
VERMILLION: Final = "#D55E00"
PURPLE: Final = "#CC79A7"
SKY: Final = "#56B4E9"
BLACK: Final = "#000000"
GREY: Final = "#595959"
"""Contrast 7:1 on white: for what is secondary."""

PALETTE: Final = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)
"""Okabe and Ito (2008), colours that people with any colour vision tell apart; the darkest first."""

LINE_STYLES: Final = ("-", "--", "-.", ":", (0, (6, 2, 1, 2, 1, 2)), (0, (1, 1)), (0, (8, 2)))
"""One per colour, so that curves stay apart in greyscale."""

MARKERS: Final = ("o", "s", "D", "^", "v", "P", "X")
"""One per colour."""

DPI: Final = 160
TITLE_COLUMNS: Final = 84
"""Characters of a title that fit on one line of a figure of `WIDTH`."""
MOST_TITLE: Final = 4 * TITLE_COLUMNS
"""Characters of a title; it may hold a name of the user's."""
WIDTH: Final = 7.6
"""Inches."""

SETTINGS: Final[dict[Any, Any]] = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.grid.which": "major",
    "axes.labelsize": 9.5,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.unicode_minus": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.8,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "svg.hashsalt": "trainsense",
    "svg.fonttype": "none",
}
"""`svg.hashsalt` makes the same chart the same file; `svg.fonttype` keeps its words as words."""


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the house style within the block, whatever style the user has set; theirs is back afterwards."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(SETTINGS)
        yield


def new_figure(title: str, *, panels: tuple[int, ...] = (1,), height: float = 4.3) -> tuple[Figure, list[Axes]]:
    """Return a figure with its finding as title and its panels side by side.

    Args:
        title: the finding, one sentence.
        panels: relative widths of the panels, left to right.
        height: inches.
    """
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    FigureCanvasAgg(figure)
    said = balanced(drawable(shortened(title, MOST_TITLE)), TITLE_COLUMNS)
    figure.suptitle(said, x=0.01, ha="left", fontsize=11, fontweight="bold").set_parse_math(False)
    grid = figure.subplots(1, len(panels), width_ratios=panels, squeeze=False)
    return figure, list(grid[0])


def balanced(text: str, columns: int) -> str:
    r"""Wrap a text into as few lines as it takes, of about the same length: no last line of one word.

    >>> balanced("one two three four five", 20)
    'one two three\nfour five'
    """
    lines = textwrap.wrap(text, columns, break_on_hyphens=False)
    narrower = (textwrap.wrap(text, width, break_on_hyphens=False) for width in range(columns // 2, columns))
    return "\n".join(next((wrapped for wrapped in narrower if len(wrapped) <= len(lines)), lines))


def drawable(text: str) -> str:
    """Return a text of the user's as the chart's font can draw it: other characters become question marks.

    >>> drawable("net.0 日")
    'net.0 ?'
    """
    font = get_font(findfont("DejaVu Sans"))
    return "".join(char if char == "\n" or font.get_char_index(ord(char)) else "?" for char in cleaned(text))


def legend_below(figure: Figure, axes: list[Axes], columns: int = 3) -> None:
    """Put one legend for all panels below them, each label once."""
    entries: dict[str, Any] = {}
    for panel in axes:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            entries.setdefault(str(label), handle)
    if entries:
        figure.legend(list(entries.values()), list(entries), loc="outside lower left", ncols=columns)


def save(figure: Figure, directory: Path, name: str) -> str:
    """Save the figure as `name`.png and `name`.svg in `directory`; return the file name of the PNG."""
    file = f"{name}.png"
    figure.savefig(directory / file, dpi=DPI)
    figure.savefig(directory / f"{name}.svg", metadata={"Date": None})
    return file
