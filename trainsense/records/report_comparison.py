"""`ReportComparison`: what became better and worse between two reports."""

from dataclasses import dataclass
from typing import Final, Literal

from trainsense.records.finding import Severity
from trainsense.records.location import Location
from trainsense.records.report import Report

COMPARISON_SCHEMA: Final = "trainsense.comparison/1"

FindingChange = Literal["new", "gone", "same", "worse", "milder", "not assessed any more"]
FigureVerdict = Literal["same", "lower", "higher", "better", "worse", "not comparable", "only in one"]
ComparisonVerdict = Literal["regressed", "improved", "changed", "same", "not comparable"]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One of the two.

    Args:
        source: the report, as the user named it.
        report: what it says.
    """

    source: str
    report: Report


@dataclass(frozen=True, kw_only=True)
class ChangedFinding:
    """A rule that found something in at least one of the two reports.

    Args:
        rule: its name.
        change: what became of it.
        before: severity in BASE, None where it has no such finding.
        after: severity in NEW, likewise.
        title: of the finding in NEW, or in BASE where NEW has none.
        reason: what the reader must know of the report without the finding: it had not looked, and why; may be empty.
        locations: of the finding in NEW, or in BASE where NEW has none.
        looked: whether the report without the finding had looked; True where both have it.
        by_chance: whether the draw of seeds explains the change.
        regression: whether it counts as one.
    """

    rule: str
    change: FindingChange
    before: Severity | None
    after: Severity | None
    title: str
    reason: str = ""
    locations: tuple[Location, ...] = ()
    looked: bool = True
    by_chance: bool = False
    regression: bool = False

    @property
    def severity(self) -> Severity:
        """Return the severity in NEW, or in BASE where NEW has no such finding."""
        severity = self.after or self.before
        assert severity is not None, "a change of a finding that neither report has"
        return severity


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A figure as one report gives it.

    Args:
        value: the figure; None where the report says that there is none (no learning rate trained, no threshold holds).
        low: lower end of its interval, None without one.
        high: upper end; may be infinite.
        note: what the numbers do not say, in a few words: `3 seeds`, `no learning rate trains`; may be empty.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class ComparedFigure:
    """A figure in both reports.

    Args:
        name: its key: `best_lr`, `edge_lr`, `loss`, …
        title: as people read it.
        interval: what `low` and `high` of the readings are.
        base: None where BASE does not give it.
        new: None where NEW does not give it.
        verdict: which way it went; `same` means that the two cannot be told apart.
        reason: why, in words, with the numbers.
        regression: whether it counts as one.
        improvement: whether it is better beyond noise.
    """

    name: str
    title: str
    interval: str
    base: Reading | None
    new: Reading | None
    verdict: FigureVerdict
    reason: str
    regression: bool = False
    improvement: bool = False


@dataclass(frozen=True, kw_only=True)
class ReportComparison:
    """Two reports held against each other.

    Args:
        version: of trainsense that compared them.
        base: the one that is measured against.
        new: the one that is judged.
        verdict: `regressed` if anything counts as a regression; `not comparable` for two different workloads, or where the
            two have nothing in common, whatever else is said.
        summary: two or three sentences.
        remarks: what to know before reading on, a sentence each: other workloads, other commands, other horizons.
        findings: one a rule, regressions first, then by severity.
        figures: always the same ones, in the same order.
        regressions: what became worse beyond noise, a sentence each.
    """

    version: str
    base: Compared
    new: Compared
    verdict: ComparisonVerdict
    summary: str
    remarks: tuple[str, ...]
    findings: tuple[ChangedFinding, ...]
    figures: tuple[ComparedFigure, ...]
    regressions: tuple[str, ...]
