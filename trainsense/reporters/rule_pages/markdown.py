"""Rules as markdown: the table that the README shows, and one rule's page under its heading."""

from collections.abc import Sequence
from typing import Final

from trainsense.records.rule_page import RulePage

DOCUMENTS: Final = {"PROTOCOL": "trainsense/protocol/PROTOCOL.md", "CONTRACT": "trainsense/records/CONTRACT.md"}
"""What pages refer to by name, and where it stands."""


def table_of_rules(rules: Sequence[RulePage]) -> str:
    """Return a table of the rules: name, family, summary.

    >>> print(table_of_rules([RulePage(name="lr-too-low", family="stability", summary="Too low.", page="")]))
    | rule | family | what was found |
    | --- | --- | --- |
    | `lr-too-low` | stability | Too low. |
    """
    rows = [f"| `{rule.name}` | {rule.family} | {_in_cell(rule.summary)} |" for rule in rules]
    return "\n".join(["| rule | family | what was found |", "| --- | --- | --- |", *rows])


def page_of_rule(rule: RulePage) -> str:
    """Return a rule's page under its heading; a last line says where documents that it refers to stand.

    >>> print(page_of_rule(RulePage(name="lr-too-low", family="stability", summary="", page="Too low (PROTOCOL 2).")))
    # lr-too-low (stability)
    <BLANKLINE>
    Too low (PROTOCOL 2).
    <BLANKLINE>
    (Beside the source: PROTOCOL is trainsense/protocol/PROTOCOL.md.)
    """
    named = [f"{name} is {path}" for name, path in DOCUMENTS.items() if name in rule.page]
    places = [f"(Beside the source: {', '.join(named)}.)"] if named else []
    return "\n\n".join([f"# {rule.name} ({rule.family})", rule.page.strip(), *places])


def _in_cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
