"""Rules as one JSON document, `trainsense.rules/1`: the same shape for one rule and for all."""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from trainsense.records.rule_page import RulePage

SCHEMA: Final = "trainsense.rules/1"


def json_of_rules(rules: Sequence[RulePage], version: str) -> str:
    """Return the document.

    Args:
        rules: in the order in which they are to stand.
        version: trainsense's.
    """
    document = {"schema": SCHEMA, "trainsense": version, "rules": [_entry(rule) for rule in rules]}
    return json.dumps(document, indent=2, ensure_ascii=True)


def sections_of(page: str) -> dict[str, str]:
    r"""Return the text of a page by its headings, in their order.

    >>> sections_of("Too low.\n\n## What it checks\nThe lr.\n\n## What to try\nMore.\n")
    {'What it checks': 'The lr.', 'What to try': 'More.'}
    """
    _, *rest = re.split(r"^## +(.+?) *$", page, flags=re.MULTILINE)
    return {heading: body.strip() for heading, body in zip(rest[::2], rest[1::2], strict=True)}


def _entry(rule: RulePage) -> dict[str, Any]:
    return {
        "name": rule.name,
        "family": rule.family,
        "summary": rule.summary,
        "page": rule.page.strip(),
        "sections": sections_of(rule.page),
        "fixes": list(rule.fixes),
    }
