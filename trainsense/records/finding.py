"""`Judgement`: what a rule says: it passes, it finds something, or it could not be assessed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from trainsense.records.location import Location

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""From worst to mildest."""

EvidenceValue = float | int | str | bool | None | Sequence["EvidenceValue"] | Mapping[str, "EvidenceValue"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A fault that was measured.

    Args:
        rule: the rule's name (CONTRACT 4).
        severity: `error`, `warning` or `note`.
        title: one line that answers the user's question.
        detail: what happened with the numbers, why it usually does, what to do next.
        evidence: the measured numbers by name.
        plots: names of the plots that show it.
        fixes: names of the fixes that address it (CONTRACT 5), the likeliest first.
        locations: where in the user's model and files it sits, the most telling place first; where it is no matter of one
            place, the line of the workload that it is about; empty if none is known.
    """

    rule: str
    severity: Severity
    title: str
    detail: str
    evidence: Mapping[str, EvidenceValue] = field(default_factory=dict)
    plots: tuple[str, ...] = ()
    fixes: tuple[str, ...] = ()
    locations: tuple[Location, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Passed:
    """The rule looked and found nothing."""

    rule: str
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class NotAssessed:
    """The rule could not look.

    Args:
        rule: its name.
        reason: why not, and what would settle it.
        crashed: whether the check itself failed, as against not applying.
    """

    rule: str
    reason: str
    crashed: bool = False


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """A rule that the user has set aside.

    Args:
        rule: its name.
        reason: why, in the user's words, or that it was not selected.
        severity: of what it would have found, None if it found nothing.
        title: of what it would have found, empty if it found nothing.
        locations: of what it would have found.
    """

    rule: str
    reason: str
    severity: Severity | None = None
    title: str = ""
    locations: tuple[Location, ...] = ()


Judgement = Finding | Passed | NotAssessed
