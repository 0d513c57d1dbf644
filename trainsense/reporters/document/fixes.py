"""The fixes that were tried and what each showed, and those that were not."""

from collections.abc import Iterator, Sequence

from trainsense.records.fix import Fix
from trainsense.records.report import Report
from trainsense.reporters.document.blocks import Block, Facts, Folded, Heading, Items, Table
from trainsense.reporters.sections.fixes import COLUMNS, FOOTNOTE, fix_cells
from trainsense.reporters.sections.recommendation import settings_text
from trainsense.reporters.sections.untested_fixes import untested_lines


def fixes_section(report: Report) -> Iterator[Block]:
    """Yield the table of the fixes, those that were tried first; nothing where there are none."""
    tried = [fix for fix in report.fixes if fix.status != "untested"]
    untested = [fix for fix in report.fixes if fix.status == "untested"]
    if report.fixes:
        yield Heading(text="Fixes tried" if tried else "Fixes")
    if tried:
        yield _table(tried)
    if reasons := tuple((fix.fix, fix.reason) for fix in tried if fix.reason):
        yield Facts(rows=reasons)
    if untested:
        yield Folded(summary=f"Not tested: {len(untested)}", blocks=(Items(items=tuple(_untested(untested))),))


def _table(fixes: Sequence[Fix]) -> Table:
    compared = any(fix.improvement is not None for fix in fixes)
    return Table(
        columns=(*COLUMNS, "settings"),
        rows=tuple((*fix_cells(fix), settings_text(fix.settings)) for fix in fixes),
        numeric=(*(name == "pairs" for name in COLUMNS), False),
        caption=FOOTNOTE if compared else "",
    )


def _untested(fixes: Sequence[Fix]) -> list[str]:
    """Return an item for each, a reason that several share in the last of them."""
    items: list[str] = []
    for depth, line in untested_lines(fixes):
        if depth and items:
            items[-1] += f"\n{line}"
        else:
            items.append(line)
    return items
