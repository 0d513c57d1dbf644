"""Lists in one environment variable: one item a line, or separated by commas where nothing else can be meant."""

import re
from collections.abc import Callable, Sequence


def lines_or(split: Callable[[str], Sequence[str]], text: str) -> list[str]:
    """Return the lines of a text, or what `split` makes of a single one; empty ones are left out."""
    items = text.splitlines() if "\n" in text.strip() else split(text.strip())
    return [item.strip() for item in items if item.strip()]


def rule_items(text: str) -> list[str]:
    """Return the names between commas."""
    return text.split(",")


def ignored_items(text: str) -> list[str]:
    """Return each `RULE` or `RULE=reason`; a comma before no rule belongs to a reason.

    >>> ignored_items("dead-relu=frozen, by design, lr-too-low=for now, lr-too-high")
    ['dead-relu=frozen, by design', 'lr-too-low=for now', 'lr-too-high']
    """
    # Here and not above: which settings there are is asked before anything heavy is loaded.
    from trainsense.rules.selecting import RULE_NAMES  # noqa: PLC0415

    rule = "|".join(map(re.escape, RULE_NAMES))
    looks_like_one = r"[a-z]+(?:-[a-z]+)+\s*="
    return re.split(rf",\s*(?=(?:{rule})\s*(?:[=,]|$)|{looks_like_one})", text)


def output_items(text: str) -> list[str]:
    """Return each `FORMAT=PATH`; a comma before no format belongs to a path.

    >>> output_items("json=a,b.json,junit=c.xml")
    ['json=a,b.json', 'junit=c.xml']
    """
    # Likewise.
    from trainsense.reporters.formats import FORMATS  # noqa: PLC0415

    return re.split(rf",\s*(?=(?:{'|'.join(FORMATS)})=)", text)
