"""The one word, the sentences, and what to know first."""

from dataclasses import replace

from tests.compare.sample_sweeps import BEST, found, minimal, swept, trials
from trainsense.compare import compare_reports
from trainsense.records.report import Report
from trainsense.records.report_comparison import ReportComparison


def compared(base: Report, new: Report) -> ReportComparison:
    """Compare them."""
    return compare_reports(base, new, version="0.1.0")


def test_a_report_against_itself() -> None:
    """Nothing to say."""
    report = replace(swept(), findings=minimal(findings=[found("dead-relu")]).findings)
    said = compared(report, report)
    assert (said.verdict, said.remarks, said.regressions) == ("same", (), ())


def test_regressed_says_what() -> None:
    """The edge first, then findings, a sentence each."""
    low = swept(edge_lr=0.0215443, unstable_lr=0.0464159, trials=[])
    new = replace(low, findings=minimal(findings=[found("dead-relu", "warning")]).findings)
    said = compared(swept(), new)
    assert said.verdict == "regressed"
    assert said.regressions[0].startswith("The largest stable learning rate is lower: 0.0464 fails in NEW")
    assert said.regressions[1:] == ("New warning dead-relu: dead-relu!",)
    assert compared(new, swept()).verdict == "improved"


def test_worse_and_better_at_once_is_changed() -> None:
    """A worse loss is no regression: it is shown, and fails nothing."""
    fixed = swept(trials=trials(BEST, [0.6, 0.6, 0.7]))
    said = compared(replace(swept(), findings=minimal(findings=[found("dead-relu")]).findings), fixed)
    assert (said.verdict, said.regressions) == ("changed", ())
    assert "loss at best lr worse" in said.summary


def test_a_note_changes_no_verdict() -> None:
    """It is worth knowing and asks for nothing."""
    assert compared(minimal(), minimal(findings=[found("best-lr-at-edge", "note")])).verdict == "same"


def test_an_error_that_the_base_had_not_looked_for_is_a_change() -> None:
    """And none that fails a pipeline."""
    base = minimal(not_assessed=[{"rule": "dead-relu", "reason": "why"}])
    said = compared(base, minimal(findings=[found("dead-relu")]))
    assert (said.verdict, said.regressions) == ("changed", ())
    assert compared(minimal(findings=[found("dead-relu")]), base).verdict == "changed"


def test_two_workloads_are_compared_all_the_same() -> None:
    """And said to be two, at the top; a file that moved, or one that was renamed, is still the same."""
    other = {"name": "b", "source": "b.py", "parameters": 1, "device": "cuda:0", "fingerprint": ""}
    said = compared(minimal(), minimal(workload=other, findings=[found("dead-relu")]))
    assert said.verdict == "not comparable"
    assert said.remarks[0].startswith("These are two workloads, net (net.py) and b (b.py)")
    assert len(said.regressions) == 1
    moved = compared(minimal(), minimal(workload={**other, "name": "net"}))
    assert (moved.verdict, moved.remarks) == ("same", ("BASE ran on cpu, NEW on cuda:0.",))


def test_other_conditions_are_named() -> None:
    """Command, version, horizon."""
    said = compared(swept(), minimal(command="sweep-lr", trainsense="9", stages=swept(horizon=100).stages))
    assert [remark.split()[0] for remark in said.remarks] == ["BASE", "BASE", "Trials"]
