"""Assembles the report: judgements, fixes, the recommendation, verdict and summary, plots, cost."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import trainsense
from trainsense.diagnosis.fixes import fixes_of, with_headline_plot, with_what_helped
from trainsense.diagnosis.judging import judged, setup_errors
from trainsense.diagnosis.locating import located
from trainsense.diagnosis.opening import Opened
from trainsense.diagnosis.origin import provenance_of
from trainsense.diagnosis.preflight_summary import preflight_summary, preflight_verdict
from trainsense.diagnosis.recommendation import recommend
from trainsense.diagnosis.saving import save_plots
from trainsense.diagnosis.summary import summary_of, verdict_of
from trainsense.measure.sweep import with_lowered_edge
from trainsense.records.evidence import (
    Evidence,
    FixesTried,
    InstabilityCheck,
    LearningRateSweep,
    UserSetting,
)
from trainsense.records.finding import SEVERITIES, Finding, NotAssessed, Passed
from trainsense.records.report import Cost, Recommendation, Report, Verdict, WorkloadSummary
from trainsense.records.request import Request
from trainsense.reporters.stages import stage_entries
from trainsense.workload.written import written

NOT_TRAINED: Final = (
    "every learning rate and every fix: preflight found an error in the setup (--keep-going trains it anyway)"
)


def stopped_by_setup(frame: Opened, request: Request) -> bool:
    """Return whether an error in the setup keeps `diagnose` from training."""
    return (
        request.command == "diagnose" and not request.keep_going and bool(setup_errors(frame.seen, request.selection))
    )


def assemble(frame: Opened, request: Request, evidence: list[Evidence], *, complete: bool) -> Report:
    """Return the report on what was measured, its plots drawn.

    Args:
        frame: the diagnosis.
        request: what was asked for.
        evidence: all of it.
        complete: whether all the essentials were run.
    """
    evidence = _edge_lowered(evidence)
    source = written(frame.loaded.workload)
    judgements, ignored = request.selection.divided(judged(evidence, request.command))
    findings = sorted(
        (located(one, frame.lines, source) for one in judgements if isinstance(one, Finding)),
        key=lambda one: SEVERITIES.index(one.severity),
    )
    sweep, user, tried = (_one(evidence, kind) for kind in (LearningRateSweep, UserSetting, FixesTried))
    assert sweep is None or isinstance(sweep, LearningRateSweep)
    assert user is None or isinstance(user, UserSetting)
    assert tried is None or isinstance(tried, FixesTried)
    fixes = fixes_of(tried, findings, user, frame.plan)
    findings = [with_what_helped(finding, fixes) for finding in findings]
    recommendation = recommend(findings, tried, sweep, user, frame.plan)
    not_run = (NOT_TRAINED,) if stopped_by_setup(frame, request) else tuple(frame.lab.left_out())
    plots = _plots(frame, evidence, findings, request.run_dir, recommendation)
    findings = [with_headline_plot(finding, plots) for finding in findings]
    verdict, summary = _conclusion(
        frame, request, evidence, findings, sweep, recommendation, not_run, complete=complete
    )
    return Report(
        version=trainsense.__version__,
        command=request.command,
        workload=_workload(frame),
        verdict=verdict,
        summary=summary,
        findings=tuple(findings),
        fixes=fixes,
        recommendation=recommendation,
        stages=stage_entries(evidence),
        cost=_cost(frame),
        passed=tuple(one for one in judgements if isinstance(one, Passed)),
        not_assessed=tuple(one for one in judgements if isinstance(one, NotAssessed)),
        not_run=not_run,
        plots=plots,
        ignored=ignored,
        baseline=request.baseline,
        provenance=provenance_of(request, frame.started, "" if frame.engine is None else frame.engine.text),
    )


def _conclusion(
    frame: Opened,
    request: Request,
    evidence: Sequence[Evidence],
    findings: Sequence[Finding],
    sweep: LearningRateSweep | None,
    recommendation: Recommendation | None,
    not_run: Sequence[str],
    *,
    complete: bool,
) -> tuple[Verdict, str]:
    if request.command == "preflight" or stopped_by_setup(frame, request):
        verdict = preflight_verdict(findings, evidence)
        return verdict, preflight_summary(verdict, findings, evidence, stopped=request.command == "diagnose")
    verdict = verdict_of(findings, sweep, complete=complete, fewest_seeds=min(2, request.seeds or 2))
    return verdict, summary_of(
        verdict,
        findings,
        sweep,
        recommendation,
        not_run,
        interrupted=frame.lab.interrupted,
        max_train_steps=frame.plan.subject.max_train_steps,
    )


def _cost(frame: Opened) -> Cost:
    cost = frame.lab.cost()
    return Cost(trials=cost.trials, steps=cost.steps + frame.setup_steps, seconds=cost.seconds)


def _plots(
    frame: Opened,
    evidence: Sequence[Evidence],
    findings: Sequence[Finding],
    directory: Path | None,
    recommendation: Recommendation | None,
) -> dict[str, str]:
    """Draw what there is evidence for; return name -> path."""
    if directory is None:
        return {}
    settings = recommendation.settings if recommendation is not None and recommendation.fixes else None
    return save_plots(evidence, directory, user_lr=frame.bench.workload.lr, recommended=settings, findings=findings)


def _edge_lowered(evidence: list[Evidence]) -> list[Evidence]:
    """Lower the sweep's edge to what the instability runs and the user's own have shown."""
    unstable = [
        one.unstable_lr for one in evidence if isinstance(one, InstabilityCheck) and one.unstable_lr is not None
    ]
    unstable += [one.lr for one in evidence if isinstance(one, UserSetting) and one.fails and one.runs[0].factor > 1]
    lowest = min(unstable, default=None)
    return [with_lowered_edge(one, lowest) if isinstance(one, LearningRateSweep) else one for one in evidence]


def _one(evidence: Sequence[Evidence], kind: type) -> Evidence | None:
    return next((one for one in evidence if isinstance(one, kind)), None)


def _workload(frame: Opened) -> WorkloadSummary:
    return WorkloadSummary(
        name=frame.loaded.name,
        source=frame.loaded.source,
        parameters=frame.bench.seen.parameters,
        device=str(frame.bench.device),
        fingerprint=frame.loaded.fingerprint,
    )
