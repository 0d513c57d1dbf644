"""`Report`: the one data structure that every format renders (CONTRACT 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from trainsense.records.finding import SEVERITIES, Finding, NotAssessed, Passed, Severity
from trainsense.records.fix import Fix
from trainsense.records.settings import Settings

SCHEMA = "trainsense.report/1"
Verdict = Literal["healthy", "unhealthy", "inconclusive"]


@dataclass(frozen=True, kw_only=True)
class WorkloadSummary:
    """What was diagnosed.

    Args:
        name: the workload's name.
        source: the file as the user named it, or a note that it came from a running session.
        parameters: number of trainable scalars.
        device: `cpu`, `cuda:0`, …
        fingerprint: content hash of its source and of the local modules it imports, empty without a file.
    """

    name: str
    source: str
    parameters: int
    device: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """The one thing to do.

    Args:
        settings: what to train with.
        fixes: the fixes that they contain; empty where the user's own settings, or plain lr*, are all there is to say.
        why: the reason, in two sentences.
        price: what it costs, as a sentence.
        code: lines to paste, by framework: `pytorch`, `lightning`, `transformers`.
    """

    settings: Settings
    fixes: tuple[str, ...]
    why: str
    price: str = ""
    code: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What the diagnosis took: trials, optimizer steps (the bracket's included) and seconds of training."""

    trials: int
    steps: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Report:
    """A diagnosis, ready to be rendered.

    `stages` holds one JSON-ready mapping per stage that ran (CONTRACT 3); a stage that did not run is absent.
    `not_run` names in sentences what was planned and did not fit the budget.
    """

    version: str
    command: str
    workload: WorkloadSummary
    verdict: Verdict
    summary: str
    findings: tuple[Finding, ...]
    fixes: tuple[Fix, ...]
    recommendation: Recommendation | None
    stages: Mapping[str, Mapping[str, Any]]
    cost: Cost
    passed: tuple[Passed, ...] = ()
    not_assessed: tuple[NotAssessed, ...] = ()
    not_run: Sequence[str] = field(default_factory=tuple)
    plots: Mapping[str, str] = field(default_factory=dict)

    def worst(self) -> Severity | None:
        """Return the worst severity among the findings, None without findings."""
        found = {finding.severity for finding in self.findings}
        return next((severity for severity in SEVERITIES if severity in found), None)
