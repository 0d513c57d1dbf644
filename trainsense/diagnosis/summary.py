"""The verdict and the two or three sentences that a person can act on."""

from collections.abc import Sequence

from trainsense.records.evidence import LearningRateSweep
from trainsense.records.finding import SEVERITIES, Finding
from trainsense.records.report import Recommendation, Verdict


def verdict_of(
    findings: Sequence[Finding], sweep: LearningRateSweep | None, *, complete: bool, fewest_seeds: int = 1
) -> Verdict:
    """Return `unhealthy` with any error or warning, `healthy` with none and all planned stages run, else `inconclusive`.

    Args:
        findings: what the rules found.
        sweep: its lr* must be known.
        complete: whether all the essentials were run.
        fewest_seeds: seeds that must stand behind lr*.
    """
    if any(finding.severity in ("error", "warning") for finding in findings):
        return "unhealthy"
    known = sweep is not None and sweep.best_lr is not None and sweep.drop.assessable and sweep.seeds >= fewest_seeds
    return "healthy" if complete and known else "inconclusive"


def summary_of(
    verdict: Verdict,
    findings: Sequence[Finding],
    sweep: LearningRateSweep | None,
    recommendation: Recommendation | None,
    not_run: Sequence[str],
    *,
    interrupted: bool,
    max_train_steps: int | None,
) -> str:
    """Return two or three plain sentences."""
    sentences = ["Interrupted: this is what was measured so far."] if interrupted else []
    serious = [finding for finding in findings if finding.severity in ("error", "warning")]
    if serious:
        ordered = sorted(serious, key=lambda finding: SEVERITIES.index(finding.severity))
        others = len(ordered) - 1
        more = f" ({others} more {'finding' if others == 1 else 'findings'} below)" if others else ""
        sentences.append(f"{ordered[0].title}{more}.")
    elif verdict == "healthy" and sweep is not None:
        sentences.append(f"Nothing is wrong within {sweep.horizon} steps of training: no error, no warning.")
    else:
        sentences.append(_why_open(sweep, not_run))
        if recommendation is not None and recommendation.fixes and (sweep is None or not sweep.drop.assessable):
            sentences.append(f"With {', '.join(recommendation.fixes)} it does learn.")
    if sweep is not None and sweep.best_lr is not None and sweep.best_range is not None:
        low, high = sweep.best_range
        at_end = ", the highest that was tried" if sweep.best_lr == sweep.points[-1].lr else ""
        at_end = at_end or (", the lowest that was tried" if sweep.best_lr == sweep.points[0].lr else "")
        ties = f"{low:.3g} to {high:.3g} cannot be told from it" if low < high else "its neighbours do worse"
        sentences.append(f"The best lr is {sweep.best_lr:.3g}{at_end} ({ties}).")
        sentences.append(_at_the_real_length(sweep, max_train_steps))
    if recommendation is not None and recommendation.fixes:
        sentences.append(f"Recommended: {', '.join(recommendation.fixes)} ({_settings(recommendation)}).")
    return " ".join(sentences)


def _at_the_real_length(sweep: LearningRateSweep, max_train_steps: int | None) -> str:
    """Say what lr* at the horizon means for the real run (PROTOCOL 2.6)."""
    half, best, steps = sweep.best_lr_half_horizon, sweep.best_lr, sweep.horizon
    if max_train_steps is not None and max_train_steps <= steps:
        return f"That holds for your {max_train_steps:,} steps."
    length = "a longer run" if max_train_steps is None else f"your {max_train_steps:,} steps"
    if half is None or best is None:
        return f"That holds after {steps} steps; for {length} it was not measured."
    drift = "the same" if half == best else f"{half:.3g}: it falls" if half > best else f"{half:.3g}: it rises"
    with_length = "" if half == best else " as training gets longer"
    return f"That holds after {steps} steps (after {steps // 2} it is {drift}{with_length}); for {length} it was not measured."


def _settings(recommendation: Recommendation) -> str:
    settings = recommendation.settings
    parts = [f"lr {settings.lr:.3g}"]
    if settings.warmup_steps:
        parts.append(f"{settings.warmup_steps} warmup steps")
    if settings.clip_norm is not None:
        parts.append(f"clip_norm {settings.clip_norm:.3g}")
    return ", ".join(parts)


def _why_open(sweep: LearningRateSweep | None, not_run: Sequence[str]) -> str:
    if sweep is None:
        return "Inconclusive: the budget held no trial. Give a larger --budget."
    if sweep.best_lr is None:
        return "Inconclusive: no learning rate trained."
    if not sweep.drop.assessable:
        return (
            f"Inconclusive: within {sweep.horizon} steps no learning rate lowered the loss beyond its noise. Raise --steps, "
            "or check that there is something to learn."
        )
    return f"Inconclusive: {len(not_run)} planned parts did not fit the budget. Give a larger --budget."
