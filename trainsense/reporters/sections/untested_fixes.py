"""The fixes that were not tried: why, and in words what they are where no settings can say it."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType

from trainsense.records.fix import Fix
from trainsense.reporters.sections.layout import indented, text_of


def untested_fixes(fixes: Sequence[Fix]) -> Iterator[RenderableType]:
    """Yield them by the reason that they share; what has to be made by hand with its title."""
    yield indented(text_of("not tested", "dim"))
    by_reason: dict[str, list[Fix]] = {}
    for fix in fixes:
        by_reason.setdefault(fix.reason, []).append(fix)
    for reason, group in by_reason.items():
        in_words = [fix for fix in group if not (reason and fix.settings.edits)]
        by_name = [fix.fix for fix in group if fix not in in_words]
        if by_name:
            yield indented(text_of(f"{', '.join(by_name)}: {reason}"), 4)
        for fix in in_words:
            yield indented(text_of(f"{fix.fix}: {fix.title}" if fix.title else fix.fix), 4)
        if in_words and reason:
            yield indented(text_of(reason), 6)
