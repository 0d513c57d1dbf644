"""The recommendation: settings, why, what it costs, and the lines to paste."""

from collections.abc import Iterator, Mapping
from typing import Final

from trainsense.records.report import Report
from trainsense.reporters.document.blocks import Block, Code, Facts, Folded, Heading
from trainsense.reporters.sections.recommendation import OTHERS, code_of, price_text, settings_text, with_status

OPEN: Final = "pytorch"
"""The framework whose lines are shown at once."""
FRAMEWORKS: Final[Mapping[str, str]] = {OPEN: "PyTorch", **OTHERS}


def recommendation_section(report: Report) -> Iterator[Block]:
    """Yield the recommendation; nothing where there is none."""
    advice = report.recommendation
    if advice is None:
        return
    rows = [("settings", settings_text(advice.settings))]
    if advice.why:
        rows.append(("why", advice.why))
    rows.append(("price", price_text(advice)))
    if advice.fixes:
        rows.append(("fixes", ", ".join(with_status(name, report.fixes) for name in advice.fixes)))
    yield Heading(text="Recommendation")
    yield Facts(rows=tuple(rows))
    code = {name: lines.rstrip() for name, lines in code_of(advice, report.fixes).items() if lines.strip()}
    for name in sorted(
        code, key=lambda one: (list(FRAMEWORKS).index(one) if one in FRAMEWORKS else len(FRAMEWORKS), one)
    ):
        title = FRAMEWORKS.get(name, name)
        if name == OPEN:
            yield Code(text=code[name], title=title)
        else:
            yield Folded(summary=f"Lines for {title}", blocks=(Code(text=code[name]),))
