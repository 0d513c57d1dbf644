"""One diagnosis from the workload to the report."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import trainsense
from trainsense.diagnosis.fixes import fixes_of, with_headline_plot, with_what_helped
from trainsense.diagnosis.locating import located
from trainsense.diagnosis.opening import Opened, opened
from trainsense.diagnosis.saving import save_report
from trainsense.errors import UserCodeError
from trainsense.protocol import ALL_STAGES, ESSENTIAL_STAGES, REFINED_STAGES, Stage
from trainsense.records.evidence import (
    Evidence,
)
from trainsense.records.outcome import Crashed
from trainsense.records.plan import COMPLETION, REFINEMENTS, Plan
from trainsense.records.progress import Listener, Silent
from trainsense.records.report import Report
from trainsense.records.request import Request
from trainsense.records.run import Run
from trainsense.records.trial import RANGE_TEST
from trainsense.reporters.notebook import notebook_html
from trainsense.reporters.tables import traces_table, trials_table
from trainsense.workload.load import LoadedWorkload

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """A report with everything that was measured; shows itself in a notebook.

    Attributes:
        report: the report.
        evidence: what the stages found, by type in `records.evidence`.
        runs: every trial with its purpose, in the order in which they were run.
        interrupted: whether it was cut short by the user.
        directory: the run directory, None if nothing was kept.
    """

    report: Report
    evidence: tuple[Evidence, ...] = ()
    runs: tuple[tuple[str, Run], ...] = field(default=(), repr=False)
    interrupted: bool = False
    directory: Path | None = None

    @cached_property
    def trials(self) -> "pd.DataFrame":
        """All trials, one row each: settings, outcome, score."""
        return trials_table(self.runs)

    @cached_property
    def traces(self) -> "pd.DataFrame":
        """All traces, one row per optimizer step."""
        return traces_table(self.runs)

    def _repr_html_(self) -> str:
        return notebook_html(self.report)


def run_diagnosis(loaded: LoadedWorkload, request: Request, listener: Listener | None = None) -> Diagnosis:
    """Run what `request` asks for on the workload and report.

    Raises:
        CannotRunError: the workload or an option stands in the way; nothing was diagnosed.
    """
    listener = listener or Silent()
    with opened(loaded, request, listener) as frame:
        listener.plan(_told(frame, request), frame.plan.horizon)
        evidence, complete = list(frame.seen), False
        if not stopped_by_setup(frame, request):
            found, complete = _run_stages(frame, request, listener)
            evidence += found
        report = assemble(frame, request, evidence, complete=complete)
        runs = tuple(frame.lab.runs())
        if request.run_dir is not None:
            save_report(report, runs, request.run_dir)
        return Diagnosis(
            report=report,
            evidence=tuple(evidence),
            runs=runs,
            interrupted=frame.lab.interrupted,
            directory=request.run_dir,
        )


def _run_stages(frame: Opened, request: Request, listener: Listener) -> tuple[list[Evidence], bool]:
    """Run the essentials, then everything in full, then the rest of the grid.

    Returns:
        The stages' evidence, and whether all the essentials were run.
    """
    evidence: dict[type, Evidence] = {type(one): one for one in frame.seen}
    _run_pass(frame, ESSENTIAL_STAGES[request.command], frame.plan, evidence, listener)
    _refuse_if_all_crashed(frame.lab.runs())
    complete = not frame.lab.left_out()
    for stages, effort in ((REFINED_STAGES, REFINEMENTS), (ALL_STAGES, COMPLETION)):
        seeds = request.seeds or effort.seeds
        plan = replace(frame.plan, effort=replace(effort, seeds=seeds, null_seeds=seeds))
        _run_pass(frame, stages[request.command], plan, evidence, listener)
    before = {type(one) for one in frame.seen}
    return [one for kind, one in evidence.items() if kind not in before], complete and not frame.lab.interrupted


def _refuse_if_all_crashed(runs: Sequence[tuple[str, Run]]) -> None:
    """Stop where the user's code raises whatever the learning rate: that is no diagnosis but a workload that cannot run.

    Raises:
        UserCodeError: every trial (the shorter range test apart) ended in an exception; it carries the first one's traceback.
    """
    outcomes = [run.outcome for _, run in runs if run.trial.schedule != RANGE_TEST]
    crashes = [outcome for outcome in outcomes if isinstance(outcome, Crashed)]
    if crashes and len(crashes) == len(outcomes):
        first = crashes[0]
        msg = f"All {len(crashes)} trials failed, whatever the learning rate; the first {first.text}"
        raise UserCodeError(msg, first.user_traceback)


def _run_pass(
    frame: Opened, stages: Sequence[Stage], plan: Plan, evidence: dict[type, Evidence], listener: Listener
) -> None:
    for stage in stages:
        if frame.lab.interrupted:
            return
        listener.stage(stage.title)
        try:
            found = stage(frame.lab, plan, evidence)
        except KeyboardInterrupt:  # between two trials; within one the lab sees to it
            frame.lab.interrupted = True
            found = stage(frame.lab, plan, evidence)  # what is known so far: nothing runs any more
        if found is not None:
            evidence[type(found)] = found


def _report(frame: Opened, request: Request, evidence: list[Evidence], *, complete: bool) -> Diagnosis:
    evidence = _edge_lowered(evidence)
    judgements = [rule(evidence) for rule in RULES]
    findings = sorted(
        (located(one, frame.lines) for one in judgements if isinstance(one, Finding)),
        key=lambda one: SEVERITIES.index(one.severity),
    )
    sweep, user, tried = (_one(evidence, kind) for kind in (LearningRateSweep, UserSetting, FixesTried))
    assert sweep is None or isinstance(sweep, LearningRateSweep)
    assert user is None or isinstance(user, UserSetting)
    assert tried is None or isinstance(tried, FixesTried)
    fixes = fixes_of(tried, findings, user, frame.plan)
    findings = [with_what_helped(finding, fixes) for finding in findings]
    recommendation = recommend(findings, tried, sweep, user, frame.plan)
    not_run = tuple(frame.lab.left_out())
    verdict = verdict_of(findings, sweep, complete=complete, fewest_seeds=min(2, request.seeds or 2))
    cost = frame.lab.cost()
    directory = request.run_dir
    plots = _plots(frame, evidence, directory, recommendation)
    findings = [with_headline_plot(finding, plots) for finding in findings]
    report = Report(
        version=trainsense.__version__,
        command=request.command,
        workload=_summary(frame),
        verdict=verdict,
        summary=summary_of(
            verdict,
            findings,
            sweep,
            recommendation,
            not_run,
            interrupted=frame.lab.interrupted,
            max_train_steps=frame.plan.subject.max_train_steps,
        ),
        findings=tuple(findings),
        fixes=fixes,
        recommendation=recommendation,
        stages=stage_entries(evidence),
        cost=Cost(trials=cost.trials, steps=cost.steps + frame.setup_steps, seconds=cost.seconds),
        passed=tuple(one for one in judgements if isinstance(one, Passed)),
        not_assessed=tuple(one for one in judgements if isinstance(one, NotAssessed)),
        not_run=not_run,
        plots=plots,
    )
    runs = tuple(frame.lab.runs())
    if directory is not None:
        save_report(report, runs, directory)
    return Diagnosis(
        report=report,
        evidence=tuple(evidence),
        runs=runs,
        interrupted=frame.lab.interrupted,
        directory=directory,
    )


def _plots(
    frame: Opened, evidence: Sequence[Evidence], directory: Path | None, recommendation: Recommendation | None
) -> dict[str, str]:
    """Draw what there is evidence for; return name -> path."""
    if directory is None:
        return {}
    settings = recommendation.settings if recommendation is not None and recommendation.fixes else None
    return save_plots(evidence, directory, user_lr=frame.bench.workload.lr, recommended=settings)


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


def _summary(frame: Opened) -> WorkloadSummary:
    return WorkloadSummary(
        name=frame.loaded.name,
        source=frame.loaded.source,
        parameters=frame.bench.seen.parameters,
        device=str(frame.bench.device),
        fingerprint=frame.loaded.fingerprint,
    )


def _told(frame: Opened) -> tuple[str, ...]:
    plan, allowance = frame.plan, frame.lab.allowance
    price = allowance.prices.step
    affordable = allowance.amount / price if price > 0 else 0.0
    limit = f"holds about {affordable:,.0f} optimizer steps" if math.isfinite(affordable) else "has no limit"
    return (
        what,
        f"trials of {plan.horizon} steps, instability runs of {plan.instability_steps}",
        f"the budget {limit}",
    )
