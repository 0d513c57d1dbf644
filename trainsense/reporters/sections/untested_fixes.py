"""The fixes that were not tried: why, and in words what they are where no settings can say it."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType

from trainsense.records.fix import Fix
from trainsense.reporters.sections.layout import indented, text_of


def untested_fixes(fixes: Sequence[Fix]) -> Iterator[RenderableType]:
    """Yield them by the reason that they share; what has to be made by hand with its title."""
    yield indented(text_of("not tested", "dim"))
    for depth, line in untested_lines(fixes):
        yield indented(text_of(line), 4 + 2 * depth)


def untested_lines(fixes: Sequence[Fix]) -> Iterator[tuple[int, str]]:
    """Yield a line for each, by the reason that they share, with its depth: 1 for what belongs to the lines above."""
    by_reason: dict[str, list[Fix]] = {}
    for fix in fixes:
        by_reason.setdefault(fix.reason, []).append(fix)
    for reason, group in by_reason.items():
        in_words = [fix for fix in group if not (reason and fix.settings.edits)]
        by_name = [fix.fix for fix in group if fix not in in_words]
        if by_name:
            yield 0, f"{', '.join(by_name)}: {reason}"
        for fix in in_words:
            yield 0, f"{fix.fix}: {fix.title}" if fix.title else fix.fix
        if in_words and reason:
            yield 1, reason
