"""A finding in full, as plain text: what was measured, where, what to do about it."""

from collections.abc import Iterable, Iterator

from trainsense.records.finding import Finding
from trainsense.records.fix import SHARE_OF_DROP, Fix
from trainsense.records.location import Location
from trainsense.records.report import Report
from trainsense.reporters.numbers import evidence_text, number_text
from trainsense.reporters.repository import repository_path
from trainsense.reporters.sections.fixes import gain_text
from trainsense.reporters.sections.recommendation import settings_text

INDENT = "  "


def finding_text(finding: Finding, report: Report) -> str:
    """Return the finding's detail, numbers, places and fixes, and the lines to paste if one of them is recommended.

    Args:
        finding: one of the report's.
        report: what says how its fixes fared.
    """
    blocks = (
        [finding.detail],
        _listed("measured", (f"{name}: {evidence_text(value)}" for name, value in finding.evidence.items())),
        _listed("where", dict.fromkeys(filter(None, map(place_text, finding.locations)))),
        _listed("fixes", _fixes(finding, report)),
        _listed("paste (PyTorch)", _code(finding, report).splitlines()),
    )
    return "\n\n".join(text for text in ("\n".join(block).strip("\n") for block in blocks) if text)


def more_text(rule: str) -> str:
    """Return where more about a rule stands."""
    return f"more: trainsense explain {rule}"


def place_text(location: Location) -> str:
    """Return a place with its file as the repository knows it.

    >>> place_text(Location(module="layers.3.linear1", file="models/net.py", line=42))
    'layers.3.linear1 (models/net.py:42)'
    """
    file = repository_path(location.file) or location.file
    spot = f"{file}:{location.line}" if file and location.line else file
    return f"{location.module} ({spot})" if location.module and spot else location.module or spot


def _listed(title: str, lines: Iterable[str]) -> list[str]:
    items = [f"{INDENT}{line}" for line in lines]
    return [f"{title}:", *items] if items else []


def _fixes(finding: Finding, report: Report) -> Iterator[str]:
    tried = {fix.fix: fix for fix in reversed(report.fixes)}
    for name in finding.fixes:
        yield _fix_text(tried[name]) if name in tried else name


def _fix_text(fix: Fix) -> str:
    by_hand = fix.status == "untested" and not fix.settings.edits and fix.title
    said = [by_hand or settings_text(fix.settings)]
    if fix.loss is not None:
        before = "" if fix.baseline_loss is None else f"{number_text(fix.baseline_loss)} → "
        said.append(f"loss {before}{number_text(fix.loss)}")
    if fix.improvement is not None:
        share = " of the loss drop" if fix.improvement.unit == SHARE_OF_DROP else ""
        said.append(f"gain {gain_text(fix.improvement)}{share}, {fix.seeds} {'pair' if fix.seeds == 1 else 'pairs'}")
    said.extend(note.rstrip(".") for note in (fix.reason, fix.price) if note)
    return f"{fix.fix} ({fix.status}): {'; '.join(said)}"


def _code(finding: Finding, report: Report) -> str:
    """Return the recommended lines where they hold a verified fix of the finding."""
    advice = report.recommendation
    if advice is None:
        return ""
    recommended = [
        fix for fix in report.fixes if fix.status == "verified" and fix.fix in {*finding.fixes} & {*advice.fixes}
    ]
    if not recommended:
        return ""
    codes = (advice.code, *(fix.code for fix in recommended if fix.settings == advice.settings))
    return next((code["pytorch"] for code in codes if code.get("pytorch")), "")
