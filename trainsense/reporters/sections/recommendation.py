"""The one thing to do: settings, why, what it costs, and the lines to paste."""

from collections.abc import Iterator, Mapping
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from trainsense.records.fix import Fix
from trainsense.records.report import Recommendation, Report
from trainsense.records.settings import Settings
from trainsense.reporters.numbers import lr_text, number_text
from trainsense.reporters.sections.layout import heading, indented, labelled, text_of

OTHERS: Final = {"lightning": "Lightning", "transformers": "transformers"}
"""Frameworks whose lines the JSON report carries, by their key there."""


def recommendation_section(report: Report) -> Iterator[RenderableType]:
    """Yield the recommendation; nothing where there is none."""
    advice = report.recommendation
    if advice is None:
        return
    yield heading("Recommendation")
    yield indented(Text(settings_text(advice.settings), style="bold", overflow="fold"))
    rows = []
    if advice.why:
        rows.append(("why", text_of(advice.why)))
    if advice.fixes:
        rows.append(("fixes", text_of(", ".join(with_status(name, report.fixes) for name in advice.fixes))))
    rows.append(("price", text_of(price_text(advice))))
    yield labelled(rows)
    code = code_of(advice, report.fixes)
    if code.get("pytorch"):
        yield indented(Text("PyTorch", style="dim"))
        yield indented(text_of(code["pytorch"].rstrip("\n")), 4)
    others = [name for key, name in OTHERS.items() if code.get(key)]
    if others:
        yield indented(text_of(f"Lines for {' and '.join(others)}: in the JSON report (--format json).", "dim"))


def settings_text(settings: Settings) -> str:
    """Return settings on one line, leaving out what is not used.

    >>> settings_text(Settings(lr=0.1, warmup_steps=30))
    'lr 0.1, warmup 30 steps'
    """
    parts = [f"lr {lr_text(settings.lr)}"]
    if settings.warmup_steps:
        parts.append(f"warmup {settings.warmup_steps} steps")
    if settings.clip_norm is not None:
        parts.append(f"clip norm {number_text(settings.clip_norm, 3)}")
    if settings.optimizer is not None:
        parts.append(f"optimizer {settings.optimizer}")
    if settings.edits:
        parts.append(f"{'model edit' if len(settings.edits) == 1 else 'model edits'} {' + '.join(settings.edits)}")
    return ", ".join(parts)


def with_status(name: str, fixes: tuple[Fix, ...]) -> str:
    """Return the fix of this name with the status that it came to, if it was among those tried."""
    status = next((fix.status for fix in fixes if fix.fix == name), None)
    return name if status is None else f"{name} ({status})"


def price_text(advice: Recommendation) -> str:
    """Return what the recommendation costs."""
    if advice.price:
        return advice.price
    if advice.settings.warmup_steps:
        return f"{advice.settings.warmup_steps} more steps where the warmup is prepended to the run"
    return "no extra steps"


def code_of(advice: Recommendation, fixes: tuple[Fix, ...]) -> Mapping[str, str]:
    """Return its own lines; else those of the fix that has just these settings, or of the first one that has any."""
    if advice.code:
        return advice.code
    candidates = [fix for fix in fixes if fix.fix in advice.fixes and fix.code]
    candidates.sort(key=lambda fix: fix.settings != advice.settings)
    return candidates[0].code if candidates else {}
