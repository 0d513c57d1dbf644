"""The judgement that early and mid-training instability share; they differ in when the event begins and what to try."""

from collections.abc import Sequence
from typing import Final

from trainsense.measure.grid import GRID_STEP
from trainsense.records.evidence import FixesTried, InstabilityCheck, InstabilityRun, LearningRateSweep, UserSetting
from trainsense.records.evidence.instability import EventKind
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed
from trainsense.rules.cost_of_instability import Cost, cost_of_instability

WHEN: Final = {"early": "in its first steps", "mid": "after a steady decline"}


def judge_kind(
    rule: str,
    kind: EventKind,
    sweep: LearningRateSweep,
    instability: InstabilityCheck | None,
    user: UserSetting | None,
    tried: FixesTried | None,
    *,
    fixes: tuple[str, ...],
) -> Judgement:
    """Judge the events of one kind, the user's own first."""
    if sweep.best_lr is None or not sweep.drop.assessable:
        return NotAssessed(rule=rule, reason="no learning rate trained measurably within the horizon; raise --steps")
    if instability is None and user is None:
        return NotAssessed(rule=rule, reason="runs above the best learning rate did not run")
    own = [run for run in (user.runs if user else ()) if run.kind == kind]
    above = [run for run in (instability.runs if instability else ()) if run.kind == kind]
    own = own if user is not None and 2 * len(own) > len(user.runs) else []
    if not own and not above:
        horizon = instability.horizon if instability else sweep.horizon
        return Passed(rule=rule, text=f"no such instability within {horizon} steps")
    cost = cost_of_instability(user, tried, in_user_runs=bool(own))
    if cost.severity == "warning" and not own and not any(run.factor <= GRID_STEP for run in above):
        cost = Cost(severity="note", text="It begins well above the best learning rate, so nothing needs doing.")
    worst = own[0] if own else above[0]
    return Finding(
        rule=rule,
        severity=cost.severity,
        title=_title(worst, kind, own=bool(own), harmless=cost.severity == "note"),
        detail=f"{_told(worst)} {cost.text}",
        evidence=_evidence(worst, [*own, *above]),
        plots=("loss-above-best-lr",),
        fixes=fixes,
    )


def _title(run: InstabilityRun, kind: EventKind, *, own: bool, harmless: bool) -> str:
    if own and harmless:
        return f"A rise of the loss at your lr {run.run.trial.lr:.3g} {WHEN[kind]}; it was not shown to cost anything"
    where = f"your lr {run.run.trial.lr:.3g}" if own else f"{run.factor:g}x the best lr ({run.run.trial.lr:.3g})"
    return f"Training at {where} becomes unstable {WHEN[kind]}"


def _told(run: InstabilityRun) -> str:
    event = run.event
    if event is None:
        return ""
    if event.cause == "collapse":
        return "The model comes to ignore its inputs: its loss stays at what a constant prediction reaches."
    what = {
        "divergence": f"Training diverges ({run.run.outcome.text})",
        "spike": f"The probe loss spikes to {event.peak:.4g}",
        "rise": f"The probe loss rises by {event.drawdown:.0%} of the loss drop, to {event.peak:.4g}",
    }[event.cause]
    if event.cause == "divergence":
        return f"{what}; the rise began at step {event.onset_step}."
    back = f"; it is back after {event.recovery_steps} steps" if event.recovery_steps else "; it comes back"
    after = back if event.recovered else f" and is not back within {run.run.trial.steps} steps"
    return f"{what} from step {event.onset_step} on{after}."


def _evidence(worst: InstabilityRun, runs: Sequence[InstabilityRun]) -> dict[str, float | int | str | bool | None]:
    event = worst.event
    return {
        "lr": worst.run.trial.lr,
        "factor": worst.factor,
        "cause": event.cause if event else None,
        "onset_step": event.onset_step if event else None,
        "peak": event.peak if event else None,
        "drawdown": event.drawdown if event else None,
        "recovered": event.recovered if event else None,
        "runs_with_event": len(runs),
    }
