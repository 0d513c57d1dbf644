"""`Report`: the one data structure that every format renders (CONTRACT 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from trainsense.records.baseline import Baseline
from trainsense.records.finding import SEVERITIES, Finding, Ignored, NotAssessed, Passed, Severity
from trainsense.records.fix import Fix
from trainsense.records.provenance import Provenance
from trainsense.records.settings import Settings

SCHEMA = "trainsense.report/1"
Verdict = Literal["healthy", "unhealthy", "inconclusive"]
Threshold = Severity | Literal["never"]
"""From which severity on a finding fails a pipeline."""


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
    `not_run` names in sentences what was planned and did not fit the budget. `ignored` are rules that the user has set
    aside; they count for nothing. `baseline` is an earlier report whose findings fail no pipeline any more.
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
    ignored: tuple[Ignored, ...] = ()
    baseline: Baseline | None = None
    provenance: Provenance | None = None

    def known(self, finding: Finding) -> bool:
        """Return whether the baseline has the finding already."""
        return self.baseline is not None and self.baseline.knows(finding)

    def failing(self, fail_on: Threshold) -> tuple[Finding, ...]:
        """Return the findings at or above `fail_on` that the baseline does not have."""
        if fail_on == "never":
            return ()
        severities = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
        return tuple(one for one in self.findings if one.severity in severities and not self.known(one))
