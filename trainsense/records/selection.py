"""`Selection`: which rules the user wants to hear of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from trainsense.records.finding import Finding, Ignored, Judgement

NOT_SELECTED: Final = "not selected"
NO_REASON: Final = "no reason given"


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which rules count.

    Args:
        select: names of the rules that count; empty for all.
        ignore: names of rules that are set aside, each with the reason; an empty reason is none.
    """

    select: tuple[str, ...] = ()
    ignore: Mapping[str, str] = field(default_factory=dict)

    def counts(self, rule: str) -> bool:
        """Return whether what `rule` says counts."""
        return rule not in self.ignore and (not self.select or rule in self.select)

    def divided(self, judgements: Iterable[Judgement]) -> tuple[tuple[Judgement, ...], tuple[Ignored, ...]]:
        """Return the judgements that count, and what is set aside."""
        kept, ignored = [], []
        for said in judgements:
            if self.counts(said.rule):
                kept.append(said)
            else:
                ignored.append(self._ignored(said))
        return tuple(kept), tuple(ignored)

    def _ignored(self, said: Judgement) -> Ignored:
        reason = (self.ignore[said.rule] or NO_REASON) if said.rule in self.ignore else NOT_SELECTED
        if isinstance(said, Finding):
            return Ignored(
                rule=said.rule, reason=reason, severity=said.severity, title=said.title, locations=said.locations
            )
        return Ignored(rule=said.rule, reason=reason)
