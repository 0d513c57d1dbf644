"""The fixes that were tried, and what each showed: a table, or a list where a table does not fit."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from trainsense.records.fix import SHARE_OF_DROP, Fix, Improvement
from trainsense.records.report import Report
from trainsense.reporters.numbers import number_text, percent_text
from trainsense.reporters.sections.layout import heading, indented, text_of, word
from trainsense.reporters.sections.recommendation import settings_text

TABLE_WIDTH: Final = 76
"""Narrower than this, each fix takes two lines instead of a row."""

SETTINGS_WIDTH: Final = 108
"""From here on the table has room for the settings."""


def fixes_section(report: Report, width: int) -> Iterator[RenderableType]:
    """Yield the fixes tried; nothing where none were.

    Args:
        report: the report.
        width: columns at hand.
    """
    if not report.fixes:
        return
    yield heading("Fixes tried")
    if width < TABLE_WIDTH:
        for fix in report.fixes:
            yield from _lines(fix)
    else:
        yield indented(_table(report.fixes, with_settings=width >= SETTINGS_WIDTH))


def gain_text(improvement: Improvement | None) -> str:
    """Return a gain with its interval.

    >>> gain_text(Improvement(mean=0.21, low=0.18, high=0.24))
    '+21% (18 to 24)'
    >>> gain_text(Improvement(mean=0.21, low=float("-inf"), high=float("inf")))
    '+21% (no interval)'
    """
    if improvement is None:
        return "n/a"
    known = math.isfinite(improvement.low) and math.isfinite(improvement.high)
    if improvement.unit != SHARE_OF_DROP:
        ends = f"{number_text(improvement.low, 3)} to {number_text(improvement.high, 3)}"
        return f"{number_text(improvement.mean, 3)} {improvement.unit} ({ends if known else 'no interval'})"
    ends = f"{percent_text(improvement.low)} to {percent_text(improvement.high)}"
    return f"{percent_text(improvement.mean, signed=True)}% ({ends if known else 'no interval'})"


def _loss_text(fix: Fix) -> str:
    if fix.baseline_loss is None and fix.loss is None:
        return "n/a"
    if fix.baseline_loss is None:
        return f"{number_text(fix.loss)} (screened)"
    return f"{number_text(fix.baseline_loss)} → {number_text(fix.loss)}"


def _table(fixes: Sequence[Fix], *, with_settings: bool) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for name in ("fix", "status", "loss", "gain (95%)*", "pairs"):
        table.add_column(name, overflow="fold", justify="right" if name == "pairs" else "left")
    if with_settings:
        table.add_column("settings", overflow="fold")
    for fix in fixes:
        cells = [text_of(fix.fix), word(fix.status), Text(_loss_text(fix)), text_of(gain_text(fix.improvement))]
        cells.append(Text(str(fix.seeds)))
        if with_settings:
            cells.append(text_of(settings_text(fix.settings), "dim"))
        table.add_row(*cells)
    table.caption = Text("* of the loss drop that training can achieve here", style="dim")
    table.caption_justify = "left"
    return table


def _lines(fix: Fix) -> Iterator[RenderableType]:
    yield indented(Text.assemble(word(fix.status), "  ", text_of(fix.fix, "bold"), overflow="fold"))
    yield indented(text_of(settings_text(fix.settings), "dim"), 4)
    if fix.improvement is not None or fix.loss is not None:
        pairs = "1 pair" if fix.seeds == 1 else f"{fix.seeds} pairs"
        yield indented(text_of(f"loss {_loss_text(fix)}, gain {gain_text(fix.improvement)} of the drop, {pairs}"), 4)
