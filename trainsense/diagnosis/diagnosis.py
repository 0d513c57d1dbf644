"""One diagnosis from the workload to the report."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from trainsense.diagnosis.assembling import assemble, stopped_by_setup
from trainsense.diagnosis.opening import Opened, help_out, opened
from trainsense.diagnosis.saving import save_report
from trainsense.errors import UserCodeError
from trainsense.protocol import ALL_STAGES, ESSENTIAL_STAGES, REFINED_STAGES, Stage
from trainsense.ranks.joining import joined
from trainsense.ranks.ranks import Ranks
from trainsense.records.evidence import (
    Evidence,
)
from trainsense.records.outcome import Crashed, Diverged
from trainsense.records.plan import COMPLETION, REFINEMENTS, Plan
from trainsense.records.progress import Listener, Silent
from trainsense.records.report import Report
from trainsense.records.request import Request
from trainsense.records.run import Run
from trainsense.records.trial import RANGE_TEST
from trainsense.reporters.notebook import notebook_html
from trainsense.reporters.tables import traces_table, trials_table
from trainsense.workload.load import LoadedWorkload
from trainsense.workload.user_traceback import without_exits

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


@without_exits("The workload")
def run_diagnosis(loaded: LoadedWorkload, request: Request, listener: Listener | None = None) -> Diagnosis:
    """Run what `request` asks for on the workload and report.

    Of several ranks that train together each calls this: the first decides, the others help, and all return its diagnosis.

    Raises:
        CannotRunError: the workload or an option stands in the way; nothing was diagnosed.
    """
    with joined(request.device) as ranks:

        def diagnosis() -> Diagnosis | None:
            if ranks.first:
                return _diagnosed(loaded, request, listener or Silent(), ranks)
            help_out(loaded, request, ranks)
            return None

        result = ranks.same(diagnosis)
    assert result is not None
    return result


def _diagnosed(loaded: LoadedWorkload, request: Request, listener: Listener, ranks: Ranks) -> Diagnosis:
    with opened(loaded, request, listener, ranks) as frame:
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
        UserCodeError: every trial (the shorter range test apart) ended in an exception, but for those whose learning rate was
            too high to get there; it carries the first one's traceback.
    """
    tried = sorted((run for _, run in runs if run.trial.schedule != RANGE_TEST), key=lambda run: run.trial.lr)
    ends = [run.outcome for run in tried]
    crashes = [end for end in ends if isinstance(end, Crashed)]
    if crashes and isinstance(ends[0], Crashed) and all(isinstance(end, Crashed | Diverged) for end in ends):
        what = "All trials failed" if len(crashes) == len(ends) else "No trial ran to the end"
        msg = f"{what}, whatever the learning rate; {len(crashes)} of {len(ends)} raised, the first {crashes[0].text}"
        raise UserCodeError(msg, crashes[0].user_traceback)


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


def _told(frame: Opened, request: Request) -> tuple[str, ...]:
    what = f"{frame.loaded.name}: {frame.bench.seen.parameters:,} parameters on {frame.bench.device}"
    if request.command == "preflight":
        return (what,)
    plan, allowance = frame.plan, frame.lab.allowance
    price = allowance.prices.step
    affordable = allowance.amount / price if price > 0 else 0.0
    limit = f"holds about {affordable:,.0f} optimizer steps" if math.isfinite(affordable) else "has no limit"
    return (
        what,
        f"trials of {plan.horizon} steps, instability runs of {plan.instability_steps}",
        f"the budget {limit}",
    )
