"""What code scanning is told of a rule."""

import re
from typing import Any, Final

from trainsense.reporters.sarif.results import LEVELS
from trainsense.reporters.sarif.texts import described, one_line, plain
from trainsense.reporters.suite import Case

SECTION: Final = re.compile(r"^##? .*$", re.MULTILINE)
WRAP: Final = re.compile(r"(?<!\n)\n(?![\n\s|*-])")
"""A line break within a paragraph."""
PROBLEM: Final = {"error": "error", "warning": "warning", "note": "recommendation"}
PRECISION: Final = "high"
"""What is found was measured on this very model."""


def rule_entry(case: Case) -> dict[str, Any]:
    """Return the rule behind a case that found something.

    Args:
        case: with a severity; a rule that this version does not know has no page, and its title stands in for it.
    """
    severity = case.severity or "warning"
    summary = plain(case.summary).strip() or one_line(case.title) or one_line(case.name)
    page = plain(case.page).strip() or summary
    return {
        "id": one_line(case.name),
        "shortDescription": {"text": described(summary)},
        "fullDescription": {"text": described(_opening(case.page) or summary)},
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": LEVELS[severity]},
        "properties": {
            "tags": list(dict.fromkeys(("trainsense", one_line(case.family), "pytorch"))),
            "precision": PRECISION,
            "problem.severity": PROBLEM[severity],
        },
    }


def _opening(page: str) -> str:
    """Return what a page says under its first headings: the summary, and what the rule checks."""
    parts = [WRAP.sub(" ", part.strip()) for part in SECTION.split(page)]
    return "\n\n".join(part for part in parts[:2] if part)
