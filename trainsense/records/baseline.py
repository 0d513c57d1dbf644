"""`Baseline`: what an earlier report has already found."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from trainsense.records.finding import SEVERITIES, Finding, Severity


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The findings of an earlier report: a pipeline that holds on to it fails on what is new.

    Args:
        source: the report, as the user named it.
        findings: severity of each finding, by its rule.
    """

    source: str
    findings: Mapping[str, Severity]

    @classmethod
    def of(cls, source: str, findings: Iterable[Finding]) -> Self:
        """Return the findings of an earlier report as a baseline; of a rule that has several, the worst counts."""
        worst = sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity), reverse=True)
        return cls(source=source, findings={finding.rule: finding.severity for finding in worst})

    def knows(self, finding: Finding) -> bool:
        """Return whether the earlier report has the finding already, at this severity or a worse one."""
        before = self.findings.get(finding.rule)
        return before is not None and SEVERITIES.index(before) <= SEVERITIES.index(finding.severity)
