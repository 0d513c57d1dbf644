"""`Case` and `Suite`: what a pipeline is told, whatever its format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from trainsense.records.finding import Severity
from trainsense.records.location import Location

Status = Literal["passed", "failed", "crashed", "skipped"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that was checked.

    Args:
        name: unique within its family: the rule's name, or what was compared.
        family: `setup`, `stability`, …
        status: `failed` for a finding that fails the pipeline, `crashed` where the check itself failed, `skipped` where it
            did not apply, was set aside, or found what is below the threshold or known already.
        severity: of what was found, None where nothing was.
        title: what was found, one line; empty where nothing was.
        reason: why it was skipped, or what made the check crash, one line; empty for other cases.
        text: everything there is to say, plain text with `message` as its first line; may span many lines.
        summary: the rule in one line, empty if unknown.
        page: the rule's page, markdown, empty if unknown.
        locations: where it sits, the most telling place first.
        attachments: plots that show it, as paths that can be opened from the current directory.
        ignored: the user's reason for setting it aside; empty where they have not.
        known: whether the baseline has it already; None where nothing was found or there is no baseline.
    """

    name: str
    family: str
    status: Status
    severity: Severity | None = None
    title: str = ""
    reason: str = ""
    text: str = ""
    summary: str = ""
    page: str = ""
    locations: tuple[Location, ...] = ()
    attachments: tuple[Path, ...] = ()
    ignored: str = ""
    known: bool | None = None

    @property
    def message(self) -> str:
        """What there is to say in one line."""
        return " ".join(": ".join(part for part in (self.reason, self.title) if part).split())

    @property
    def body(self) -> str:
        """What there is to say beyond `message`."""
        return self.text.removeprefix(self.message).strip()

    @property
    def shown(self) -> bool:
        """Whether it stands for something that was found and that the user wants to hear of."""
        return self.severity is not None and not self.ignored


@dataclass(frozen=True, kw_only=True)
class Suite:
    """All that was checked on one workload by one command.

    Args:
        command: `diagnose`, `compare`, …
        workload: its name.
        source: the workload's file as the user named it.
        version: of trainsense.
        verdict: one word.
        summary: two or three sentences.
        cases: in the order of the rules, causes before consequences.
        properties: facts by name: best_lr, seed, device, …
        seconds: what it took.
        started: ISO 8601, empty if unknown.
    """

    command: str
    workload: str
    source: str
    version: str
    verdict: str
    summary: str
    cases: tuple[Case, ...]
    properties: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    started: str = ""
