"""What the rules say of the evidence of one command."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from trainsense.records.evidence import Evidence
from trainsense.records.finding import Finding, Judgement, NotAssessed
from trainsense.records.request import Command
from trainsense.records.selection import Selection
from trainsense.rules import RULES, Rule

FAMILY: Final = MappingProxyType({rule.name: rule.family for rule in RULES})
"""Each rule's family."""
OF_PREFLIGHT: Final = ("setup", "layers", "architecture")
"""Families that are judged before anything is trained."""


def judged(evidence: Sequence[Evidence], command: Command) -> tuple[Judgement, ...]:
    """Return what the rules say that the command is about; rules of stages that it does not have are left out."""
    return tuple(said for rule in RULES if _concerns(rule, said := _said(rule, evidence), command))


def setup_errors(evidence: Sequence[Evidence], selection: Selection) -> tuple[Finding, ...]:
    """Return the errors of the setup family that count: to train such a setup would waste the user's hours."""
    said = [_said(rule, evidence) for rule in RULES if rule.family == "setup" and selection.counts(rule.name)]
    return tuple(one for one in said if isinstance(one, Finding) and one.severity == "error")


def _said(rule: Rule, evidence: Sequence[Evidence]) -> Judgement:
    try:
        return rule(evidence)
    except Exception as error:  # noqa: BLE001 - one rule that fails must not take the report with it
        reason = f"the rule itself failed: {type(error).__name__}: {error}. This is a fault of trainsense."
        return NotAssessed(rule=rule.name, reason=reason, crashed=True)


def _concerns(rule: Rule, said: Judgement, command: Command) -> bool:
    if command == "diagnose":
        return True
    if command == "preflight":
        return rule.family in OF_PREFLIGHT
    return rule.family not in OF_PREFLIGHT or not isinstance(said, NotAssessed)
