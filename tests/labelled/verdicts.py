"""What preflight says of a labelled workload, and whether that is right."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from tests.labelled.case import Case
from tests.looking import EVERYTHING, judgements, looked
from trainsense.records.finding import Finding, Severity

SETUP_RULES = frozenset(["non-finite-data", "not-deterministic"])
"""Rules on evidence that is gathered before preflight."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What was said of a workload.

    Args:
        case: the workload.
        said: errors and warnings, by rule.
        notes: rules that gave a note.
    """

    case: Case
    said: Mapping[str, Severity]
    notes: tuple[str, ...]

    @property
    def named(self) -> tuple[str, ...]:
        """The rules that named the fault."""
        return tuple(rule for rule in self.said if rule in self.case.rules)

    @property
    def beside(self) -> tuple[str, ...]:
        """The rules that said something else: false alarms on a sound workload, consequences or mistakes on a faulty one."""
        return tuple(rule for rule in self.said if rule not in self.case.rules)

    @property
    def right(self) -> bool:
        """Whether the fault is named, or a sound workload left in peace."""
        return bool(self.named) if self.case.faulty else not self.said


def verdict_on(case: Case, seed: int = 0) -> Verdict:
    """Run the check of the setup and preflight on a labelled workload."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what torch warns of in the user's code is not at issue here
        evidence = looked(case.make(), seed, only=EVERYTHING)
    found = [one for one in judgements(evidence).values() if isinstance(one, Finding)]
    return Verdict(
        case=case,
        said={one.rule: one.severity for one in found if one.severity != "note"},
        notes=tuple(one.rule for one in found if one.severity == "note"),
    )
