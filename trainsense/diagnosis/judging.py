"""What the rules say of the evidence of one command."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from trainsense.records.evidence import Evidence
from trainsense.records.finding import Finding, Judgement, NotAssessed
from trainsense.records.request import Command
from trainsense.rules import RULES, Rule

FAMILY: Final = MappingProxyType({rule.name: rule.family for rule in RULES})
"""Each rule's family."""
OF_PREFLIGHT: Final = ("setup", "layers", "architecture")
"""Families that are judged before anything is trained."""


def judged(evidence: Sequence[Evidence], command: Command) -> tuple[Judgement, ...]:
    """Return what the rules say that the command is about; rules of stages that it does not have are left out."""
    return tuple(said for rule in RULES if _concerns(rule, said := rule(evidence), command))


def setup_errors(evidence: Sequence[Evidence]) -> tuple[Finding, ...]:
    """Return the errors of the setup family: to train such a setup would waste the user's hours."""
    said = [rule(evidence) for rule in RULES if rule.family == "setup"]
    return tuple(one for one in said if isinstance(one, Finding) and one.severity == "error")


def _concerns(rule: Rule, said: Judgement, command: Command) -> bool:
    if command == "diagnose":
        return True
    if command == "preflight":
        return rule.family in OF_PREFLIGHT
    return rule.family not in OF_PREFLIGHT or not isinstance(said, NotAssessed)
