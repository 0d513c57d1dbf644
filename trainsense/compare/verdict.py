"""What a comparison comes to: its regressions, one word, two or three sentences."""

from collections.abc import Sequence
from typing import Final

from trainsense.compare.findings import SERIOUS
from trainsense.records.report_comparison import ChangedFinding, ComparedFigure, ComparisonVerdict

TAKES_NO_PART: Final = frozenset({"trials", "steps", "seconds"})
"""Figures about the runs, not about the workload: they change no verdict."""
EDGE: Final = "edge_lr"
MOVED: Final = frozenset({"lower", "higher", "better", "worse"})


def regressions_in(findings: Sequence[ChangedFinding], figures: Sequence[ComparedFigure]) -> tuple[str, ...]:
    """Return what became worse beyond noise, a sentence each, the lower edge first."""
    said = [f"The largest stable learning rate is lower: {one.reason}." for one in figures if one.regression]
    for finding in findings:
        if finding.regression and finding.change == "new":
            said.append(f"New {finding.after} {finding.rule}: {_sentence(finding.title)}")
        elif finding.regression:
            said.append(
                f"{finding.rule} was a {finding.before} and is now {_grade(finding)}: {_sentence(finding.title)}"
            )
    return tuple(said)


def verdict_on(
    findings: Sequence[ChangedFinding],
    figures: Sequence[ComparedFigure],
    *,
    regressed: bool,
    one_workload: bool,
) -> ComparisonVerdict:
    """Return the one word.

    Args:
        findings: what became of each.
        figures: likewise.
        regressed: whether anything counts as a regression.
        one_workload: whether both reports are of one workload.
    """
    if not one_workload:
        return "not comparable"
    if regressed:
        return "regressed"
    worse = any(_worsened(one) for one in findings) or any(one.verdict == "worse" for one in _judged(figures))
    better = any(_bettered(one) for one in findings) or any(one.improvement for one in _judged(figures))
    moved = any(_moved(one) for one in _judged(figures))
    unseen = any(one.change == "not assessed any more" and one.before in SERIOUS for one in findings)
    if better and not worse:
        return "improved"
    return "changed" if worse or better or moved or unseen else "same"


def summary_of(
    verdict: ComparisonVerdict,
    findings: Sequence[ChangedFinding],
    figures: Sequence[ComparedFigure],
    regressions: Sequence[str],
) -> str:
    """Return two or three sentences."""
    said = [_opening(verdict, regressions)]
    counted = [f"{count} {change}" for change in _changes(findings) if (count := _count(findings, change))]
    said.append(f"Findings: {', '.join(counted)}." if counted else "Neither report has a finding.")
    moved = [f"{one.title} {one.verdict}" for one in _judged(figures) if one.verdict in MOVED]
    if moved:
        said.append(f"Figures: {', '.join(moved)}.")
    elif any(one.verdict == "same" for one in _judged(figures)):
        said.append("No figure can be told from the one before.")
    return " ".join(said)


def _opening(verdict: ComparisonVerdict, regressions: Sequence[str]) -> str:
    worse = "1 thing became" if len(regressions) == 1 else f"{len(regressions)} things became"
    if verdict == "not comparable":
        told = f"{worse} worse beyond noise" if regressions else "nothing became worse beyond noise"
        return f"The two are not of one workload; {told}."
    return {
        "regressed": f"{worse} worse beyond noise.",
        "improved": "NEW is better than BASE.",
        "changed": "Something changed; nothing that counts as a regression.",
        "same": "NEW cannot be told from BASE.",
    }[verdict]


def _judged(figures: Sequence[ComparedFigure]) -> list[ComparedFigure]:
    return [one for one in figures if one.name not in TAKES_NO_PART]


def _worsened(finding: ChangedFinding) -> bool:
    unseen = finding.change == "new" and finding.after in SERIOUS and not finding.by_chance
    return finding.regression or unseen


def _bettered(finding: ChangedFinding) -> bool:
    return finding.change in {"gone", "milder"} and finding.before in SERIOUS and not finding.by_chance


def _moved(figure: ComparedFigure) -> bool:
    """Return whether a figure is another one; an edge that moved by no more than chance moves it is not."""
    if figure.name == EDGE:
        return figure.regression or figure.improvement
    return figure.verdict in MOVED


def _changes(findings: Sequence[ChangedFinding]) -> list[str]:
    return list(dict.fromkeys(one.change for one in findings))


def _count(findings: Sequence[ChangedFinding], change: str) -> int:
    return sum(one.change == change for one in findings)


def _grade(finding: ChangedFinding) -> str:
    return "an error" if finding.after == "error" else f"a {finding.after}"


def _sentence(title: str) -> str:
    return title if title.rstrip().endswith((".", "!", "?")) else f"{title}."
