"""The `stages` of a report: one JSON-ready mapping per kind of evidence (CONTRACT 3)."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from trainsense.records.comparison import Comparison
from trainsense.records.evidence import (
    Arm,
    ClipChoice,
    Evidence,
    FixesTried,
    InstabilityCheck,
    InstabilityRun,
    LearningRateSweep,
    Prepended,
    Setup,
    UserSetting,
    WarmupSweep,
)
from trainsense.records.run import Run
from trainsense.reporters.plain import plain_value
from trainsense.reporters.preflight_stage import preflight_entry
from trainsense.reporters.trial_loss import highest_probe_loss, trial_loss

Entry = dict[str, Any]


def stage_entries(evidence: Iterable[Evidence]) -> dict[str, dict[str, Any]]:
    """Return the `stages` mapping of the contract, one entry per piece of evidence, in the order given.

    Args:
        evidence: what the stages that ran came to; a stage without evidence is absent from the result.

    Returns:
        Stage name to a mapping of plain values: rounded floats, and strings for numbers that are not finite.
    """
    entries: dict[str, dict[str, Any]] = {}
    evidence = tuple(evidence)
    if seen := preflight_entry(evidence):
        entries["preflight"] = plain_value(seen)
    for piece in evidence:
        name, entry = _named_entry(piece)
        if name:
            entries[name] = plain_value(entry)
    return entries


def _named_entry(piece: Evidence) -> tuple[str, Entry]:  # noqa: PLR0911 - one return per kind of evidence
    match piece:
        case LearningRateSweep():
            return "sweep_lr", _sweep(piece)
        case InstabilityCheck():
            return "check_instability", _instability(piece)
        case ClipChoice():
            return "pick_clip", _clip(piece)
        case WarmupSweep():
            return "sweep_warmup", _warmup(piece)
        case UserSetting():
            return "user_setting", _user_setting(piece)
        case Setup():
            return "setup", _setup(piece)
        case FixesTried():
            return "fixes_tried", _fixes_tried(piece)
        case _:  # part of the entry of preflight
            return "", {}


def _sweep(sweep: LearningRateSweep) -> Entry:
    return {
        "best_lr": sweep.best_lr,
        "best_range": sweep.best_range,
        "edge_lr": sweep.edge_lr,
        "unstable_lr": sweep.unstable_lr,
        "lr_sensitivity": sweep.lr_sensitivity,
        "horizon": sweep.horizon,
        "best_lr_half_horizon": sweep.best_lr_half_horizon,
        "stable_decades": sweep.stable_decades,
        "initial_loss": sweep.drop.initial,
        "trivial_loss": sweep.drop.trivial,
        "loss_drop": sweep.drop.value,
        "seeds": sweep.seeds,
        "trials": [
            _trial(run, reason)
            for point in sweep.points
            for run, reason in zip(point.runs, point.infeasible, strict=True)
        ],
    }


def _trial(run: Run, reason: str | None) -> Entry:
    return {
        "lr": run.trial.lr,
        "seed": run.trial.seed,
        "loss": trial_loss(run),
        "feasible": reason is None,
        "reason": reason,
        "stopped_at": run.stopped_at,
        "dropped": run.dropped,
    }


def _instability(check: InstabilityCheck) -> Entry:
    return {
        "runs": [_instability_run(run) for run in check.runs],
        "threshold": check.threshold,
        "null_drawdown": check.null_drawdown,
        "null_runs": len(check.null_runs),
        "horizon": check.horizon,
        "unstable_lr": check.unstable_lr,
    }


def _instability_run(watched: InstabilityRun) -> Entry:
    event = watched.event
    return {
        "factor": int(watched.factor) if float(watched.factor).is_integer() else watched.factor,
        "lr": watched.run.trial.lr,
        "seed": watched.run.trial.seed,
        "kind": watched.kind,
        "recovered": None if event is None else event.recovered,
        "onset_step": None if event is None else event.onset_step,
        "peak": highest_probe_loss(watched.run) if event is None else event.peak,
        "cause": None if event is None else event.cause,
        "drawdown": None if event is None else event.drawdown,
        "recovery_steps": None if event is None else event.recovery_steps,
    }


def _clip(choice: ClipChoice) -> Entry:
    norms = choice.percentiles
    return {
        "clip_norm": choice.clip_norm,
        "percentile": choice.percentile,
        "clipped_fraction": choice.clipped_fraction,
        "percentiles": None if norms is None else norms.values,
        "over": None if norms is None else norms.used,
        "steps": None if norms is None else norms.steps,
        "lr": choice.lr,
        "refused": choice.refused or None,
        "attempts": [
            {
                "percentile": attempt.percentile,
                "clip_norm": attempt.clip_norm,
                "clipped_fraction": attempt.clipped_fraction,
                "clipped_fraction_later": attempt.clipped_fraction_later,
                "stable": attempt.stable,
                "loss": trial_loss(attempt.run),
                "loss_of_lower_lr": attempt.score_of_lower_lr,
            }
            for attempt in choice.attempts
        ],
    }


def _warmup(sweep: WarmupSweep) -> Entry:
    return {
        "lr": sweep.lr,
        "warmup_steps": sweep.warmup_steps,
        "unstable_lr": sweep.unstable_lr,
        "longest_allowed": sweep.longest_allowed,
        "limit": sweep.limit,
        "share_of_run": sweep.share_of_run,
        "trials": [
            {
                "lr": attempt.lr,
                "warmup_steps": attempt.warmup_steps,
                "feasible": feasible,
                "loss": trial_loss(run),
                "seed": run.trial.seed,
                "factor": attempt.factor,
            }
            for attempt in sweep.attempts
            for run, feasible in zip(attempt.runs, attempt.feasible, strict=True)
        ],
    }


def _user_setting(setting: UserSetting) -> Entry:
    runs = zip(setting.runs, setting.infeasible, strict=True)
    return {
        "lr": setting.lr,
        "clip_norm": setting.clip_norm,
        "warmup_steps": setting.warmup_steps,
        "warmup_share": setting.warmup_share,
        "max_train_steps": setting.max_train_steps,
        "runs": [{**_instability_run(watched), **_trial(watched.run, reason)} for watched, reason in runs],
        "losses_at_best": _losses(setting.at_best),
        "against_best": _comparison(setting.against_best),
        "half_horizon_gap": setting.half_horizon_gap,
        "horizon_gap": setting.horizon_gap,
        "larger_clip": _comparison(setting.larger_clip),
        "larger_clip_norm": setting.larger_clip_norm,
        "shorter_warmup": _comparison(setting.shorter_warmup),
    }


def _setup(setup: Setup) -> Entry:
    bad = [{"batch": batch, "where": where, "count": count} for batch, where, count in setup.non_finite]
    return {**asdict(setup), "non_finite": bad}


def _fixes_tried(tried: FixesTried) -> Entry:
    return {
        "symptoms": tried.symptoms,
        "baseline": asdict(tried.baseline),
        "arms": [_arm(arm) for arm in tried.arms],
        "control_losses": _losses(tried.control_runs),
        "baseline_losses": _losses(tried.baseline_runs),
        "untested": [{"edit": one.edit, "reason": one.reason, "advice": one.advice} for one in tried.untested],
        "yardstick": None if tried.yardstick is None else _yardstick(tried.yardstick),
    }


def _yardstick(sweep: LearningRateSweep) -> Entry:
    """Return what the arms are measured by; the trials behind it are those of the sweep, or of an arm."""
    return {
        "best_lr": sweep.best_lr,
        "horizon": sweep.horizon,
        "initial_loss": sweep.drop.initial,
        "trivial_loss": sweep.drop.trivial,
        "best_loss": sweep.drop.best,
        "loss_drop": sweep.drop.value,
    }


def _arm(arm: Arm) -> Entry:
    return {
        "fix": arm.fix,
        "settings": asdict(arm.settings),
        "screened_loss": None if arm.screening is None else trial_loss(arm.screening),
        "screened_gain": arm.screened_gain,
        "screened": [
            {"lr": run.trial.lr, "loss": trial_loss(run), "infeasible": reason}
            for run, reason in zip(arm.screened, arm.infeasible, strict=True)
        ],
        "against_baseline": _comparison(arm.against_baseline),
        "against_lower_lr": _comparison(arm.against_lower_lr),
        "losses": _losses(arm.runs),
        "prepended": None if arm.prepended is None else _prepended(arm.prepended),
        "refused": arm.refused or None,
    }


def _prepended(warmup: Prepended) -> Entry:
    return {
        "steps": warmup.steps,
        "crossed": warmup.crossed,
        "against_baseline": _comparison(warmup.against_baseline),
    }


def _comparison(comparison: Comparison | None) -> Entry | None:
    return None if comparison is None else asdict(comparison)


def _losses(runs: Sequence[Run]) -> list[float | None]:
    return [trial_loss(run) for run in runs]
