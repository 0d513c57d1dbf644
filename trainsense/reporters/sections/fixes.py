"""The fixes that were tried, and what each showed: a table, or a list where a table does not fit."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from trainsense.records.fix import SHARE_OF_DROP, Fix, Improvement
from trainsense.records.report import Report
from trainsense.reporters.numbers import NOT_AVAILABLE, number_text, percent_text
from trainsense.reporters.sections.layout import INDENT, heading, indented, text_of, word
from trainsense.reporters.sections.recommendation import settings_text
from trainsense.reporters.sections.untested_fixes import untested_fixes

COLUMNS: Final = ("fix", "status", "loss", "gain (95%)*", "pairs")
GAP: Final = 2
"""Spaces between columns."""

SETTINGS_ROOM: Final = 28
"""Columns left beside the table from which on the settings stand in it; else they stand below."""

FOOTNOTE: Final = "* of the loss drop that training can achieve here"
NO_PAIR: Final = "–"


def fixes_section(report: Report, width: int) -> Iterator[RenderableType]:
    """Yield the fixes, those that were tried first; nothing where there are none.

    Args:
        report: the report.
        width: columns at hand.
    """
    tried = [fix for fix in report.fixes if fix.status != "untested"]
    untested = [fix for fix in report.fixes if fix.status == "untested"]
    if report.fixes:
        yield heading("Fixes tried" if tried else "Fixes")
    if tried:
        yield from _tried(tried, width - INDENT)
    if untested:
        yield from untested_fixes(untested)


def gain_text(improvement: Improvement | None) -> str:
    """Return a gain with its interval.

    >>> gain_text(Improvement(mean=0.21, low=0.18, high=0.24))
    '+21% (18 to 24)'
    >>> gain_text(Improvement(mean=0.21, low=float("-inf"), high=float("inf")))
    '+21% (no interval)'
    """
    if improvement is None:
        return NOT_AVAILABLE
    return f"{_mean_text(improvement)} ({_ends_text(improvement) or 'no interval'})"


def _mean_text(improvement: Improvement) -> str:
    if improvement.unit != SHARE_OF_DROP:
        return f"{number_text(improvement.mean, 3)} {improvement.unit}"
    return f"{percent_text(improvement.mean, signed=True)}%"


def _ends_text(improvement: Improvement) -> str:
    """Return the ends of the interval, nothing where it has none."""
    if not (math.isfinite(improvement.low) and math.isfinite(improvement.high)):
        return ""
    if improvement.unit != SHARE_OF_DROP:
        return f"{number_text(improvement.low, 3)} to {number_text(improvement.high, 3)}"
    return f"{percent_text(improvement.low)} to {percent_text(improvement.high)}"


def _tried(fixes: Sequence[Fix], width: int) -> Iterator[RenderableType]:
    rows = [fix_cells(fix) for fix in fixes]
    needed = sum(max(cell_len(cell) for cell in column) + GAP for column in zip(COLUMNS, *rows, strict=True)) - GAP
    if needed > width:
        for fix in fixes:
            yield from _lines(fix)
        return
    with_settings = width - needed - GAP >= SETTINGS_ROOM
    yield indented(_table(fixes, rows, with_settings=with_settings))
    if any(fix.improvement is not None for fix in fixes):
        yield indented(Text(FOOTNOTE, style="dim", overflow="fold"))
    yield indented(_notes(fixes, with_settings=not with_settings))


def fix_cells(fix: Fix) -> tuple[str, ...]:
    """Return a cell for each of `COLUMNS`."""
    gain = "screened only" if _is_screened(fix) else gain_text(fix.improvement)
    pairs = str(fix.seeds) if fix.improvement is not None else NO_PAIR
    return text_of(fix.fix).plain, word(fix.status).plain, _loss_text(fix), gain, pairs


def _is_screened(fix: Fix) -> bool:
    """Whether there is a loss and nothing that it was compared with."""
    return fix.loss is not None and fix.baseline_loss is None


def _loss_text(fix: Fix) -> str:
    if fix.baseline_loss is None:
        return number_text(fix.loss)
    return f"{number_text(fix.baseline_loss)} → {number_text(fix.loss)}"


def _table(fixes: Sequence[Fix], rows: Sequence[Sequence[str]], *, with_settings: bool) -> Table:
    table = Table(box=None, padding=(0, GAP, 0, 0), header_style="dim", pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, no_wrap=True, justify="right" if name == "pairs" else "left")
    if with_settings:
        table.add_column("settings", overflow="fold")
    for fix, (name, _, *others) in zip(fixes, rows, strict=True):
        settings = [text_of(settings_text(fix.settings), "dim")] if with_settings else []
        table.add_row(Text(name), word(fix.status), *(Text(cell) for cell in others), *settings)
    return table


def _notes(fixes: Sequence[Fix], *, with_settings: bool) -> Table:
    """Return what the table has no room for: settings, and why a status is what it is."""
    grid = Table.grid(padding=(0, GAP, 0, 0))
    grid.add_column(overflow="fold")
    grid.add_column(overflow="fold")
    for fix in fixes:
        settings = f"{settings_text(fix.settings)}. " if with_settings else ""
        note = text_of(f"{settings}{fix.reason}".rstrip(" " if fix.reason else ". "))
        if note.plain:
            note.stylize("dim", 0, len(settings))
            grid.add_row(text_of(fix.fix), note)
    return grid


def _lines(fix: Fix) -> Iterator[RenderableType]:
    yield indented(Text.assemble(word(fix.status), "  ", text_of(fix.fix, "bold"), overflow="fold"))
    yield indented(text_of(settings_text(fix.settings), "dim"), 4)
    shown = _result_text(fix)
    if shown:
        yield indented(text_of(shown), 4)
    if fix.reason:
        yield indented(text_of(fix.reason), 4)


def _result_text(fix: Fix) -> str:
    """Return losses and gain in words, nothing where nothing was measured."""
    gain = fix.improvement
    if gain is None:
        return f"loss {_loss_text(fix)}, screened on the first seed" if fix.loss is not None else ""
    share = " of the drop" if gain.unit == SHARE_OF_DROP else ""
    pairs = "1 pair" if fix.seeds == 1 else f"{fix.seeds} pairs"
    ends = _ends_text(gain)
    known = f" ({ends}), {pairs}" if ends else f"; {pairs}, no interval"
    return f"loss {_loss_text(fix)}, gain {_mean_text(gain)}{share}{known}"
