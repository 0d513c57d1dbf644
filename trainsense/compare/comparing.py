"""Two reports against each other."""

from trainsense.compare.figures import compare_figures
from trainsense.compare.findings import compare_findings
from trainsense.compare.remarks import remarks_on, same_workload
from trainsense.compare.verdict import regressions_in, summary_of, verdict_on
from trainsense.records.report import Report
from trainsense.records.report_comparison import Compared, ReportComparison


def compare_reports(
    base: Report, new: Report, *, version: str, base_source: str = "BASE", new_source: str = "NEW"
) -> ReportComparison:
    """Say what became better and worse from `base` to `new`; what chance explains is no change.

    Args:
        base: the report that is measured against.
        new: the report that is judged.
        version: of trainsense.
        base_source: the report, as the user named it.
        new_source: likewise.
    """
    findings, figures = compare_findings(base, new), compare_figures(base, new)
    regressions = regressions_in(findings, figures)
    verdict = verdict_on(findings, figures, regressed=bool(regressions), one_workload=same_workload(base, new))
    return ReportComparison(
        version=version,
        base=Compared(source=base_source, report=base),
        new=Compared(source=new_source, report=new),
        verdict=verdict,
        summary=summary_of(verdict, findings, figures, regressions),
        remarks=remarks_on(base, new),
        findings=findings,
        figures=figures,
        regressions=regressions,
    )
