"""The learning-rate axis without and with a fix: what the fix buys."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from trainsense.records.report import Report
from trainsense.records.settings import LR_CHANGES
from trainsense.reporters.document.blocks import Table
from trainsense.reporters.document.figures.description import Description
from trainsense.reporters.document.figures.lr_axis import mean_text
from trainsense.reporters.document.stage_reading import entries_of, entry_of, word_of
from trainsense.reporters.numbers import as_number, lr_text, number_text
from trainsense.reporters.plain import plain_value
from trainsense.reporters.sections.layer_columns import NO_FIGURE
from trainsense.reporters.sections.lr_strip import trials_by_lr

Entry = Mapping[str, Any]


def lr_axis_with_fix(report: Report) -> Description | None:
    """Describe the axis with the fix that the chart shows; None where the report has none."""
    sweep = entry_of(report.stages.get("sweep_lr"))
    tried = entry_of(report.stages.get("fixes_tried"))
    trials = trials_by_lr(entries_of(sweep.get("trials")))
    arm = _shown(tried, report, trains=sweep.get("best_lr") is not None)
    if arm is None or not trials:
        return None
    lr = lr_text(entry_of(arm.get("settings")).get("lr"))
    return Description(
        caption=f"Final loss of each learning rate, without and with {word_of(arm.get('fix'))}",
        alternative=_alternative(arm, sweep, lr),
        numbers=Table(
            columns=("lr", "loss without", "loss with"),
            rows=(*_rows(trials, arm), *_fresh_rows(arm, sweep, tried)),
            numeric=(True, True, True),
            caption="Without the fix the mean over the seeds that train; with it the first seed. Fresh seeds: their mean.",
        ),
    )


def _shown(tried: Entry, report: Report, *, trains: bool) -> Entry | None:
    """Return the arm that the chart shows: the one recommended, else the one verified, else the best screened."""
    arms = [arm for arm in entries_of(tried.get("arms")) if arm.get("fix") not in LR_CHANGES and not arm.get("refused")]
    usable = [arm for arm in arms if entries_of(arm.get("screened")) or arm.get("losses")]
    needed = ("against_baseline", "against_lower_lr") if trains else ("against_baseline",)
    proven = [arm for arm in usable if all(entry_of(arm.get(key)).get("status") == "verified" for key in needed)]
    candidates = proven or [arm for arm in usable if len(entries_of(arm.get("screened"))) > 1]
    advice = None if report.recommendation is None else plain_value(asdict(report.recommendation.settings))
    named = [arm for arm in candidates if arm.get("settings") == advice]
    return max(named or candidates, key=_proven_gain if proven else _screened_gain, default=None)


def _proven_gain(arm: Entry) -> float:
    return as_number(entry_of(arm.get("against_baseline")).get("mean")) or 0.0


def _screened_gain(arm: Entry) -> float:
    return as_number(arm.get("screened_gain")) or 0.0


def _alternative(arm: Entry, sweep: Entry, lr: str) -> str:
    fix = word_of(arm.get("fix"))
    best = lr_text(sweep.get("best_lr"))
    judged = entry_of(arm.get("against_lower_lr" if sweep.get("best_lr") is not None else "against_baseline"))
    without = (
        "Without the fix no learning rate trains" if sweep.get("best_lr") is None else f"Without the fix {best} is best"
    )
    fails = "" if sweep.get("unstable_lr") is None else f" and training fails from {lr_text(sweep.get('unstable_lr'))}"
    if judged:
        pairs, loss = number_text(judged.get("pairs")), number_text(judged.get("loss"))
        rival = "that" if sweep.get("best_lr") is not None else "your own setting"
        seeds = "1 fresh seed" if pairs == "1" else f"{pairs} fresh seeds"
        return (
            f"{without}{fails}. With {fix} lr {lr} ends at a loss of {loss} on {seeds}, "
            f"{rival} at {number_text(judged.get('baseline_loss'))}."
        )
    return f"{without}{fails}. With {fix} lr {lr} ends at a loss of {number_text(arm.get('screened_loss'))} on the first seed."


def _rows(trials: Mapping[float, Sequence[Entry]], arm: Entry) -> list[tuple[str, str, str]]:
    with_fix = {
        number: run for run in entries_of(arm.get("screened")) if (number := as_number(run.get("lr"))) is not None
    }
    rows = []
    for lr in sorted({*trials, *with_fix}):
        before, after = trials.get(lr), with_fix.get(lr)
        rows.append((lr_text(lr), _before(before) if before else NO_FIGURE, _after(after) if after else NO_FIGURE))
    return rows


def _fresh_rows(arm: Entry, sweep: Entry, tried: Entry) -> list[tuple[str, str, str]]:
    """Return what was run again on fresh seeds: the best lr without the fix, the fix, and the user's own setting."""
    judged, against_own = entry_of(arm.get("against_lower_lr")), entry_of(arm.get("against_baseline"))
    rows = []
    if judged:
        rows.append(
            (f"{lr_text(sweep.get('best_lr'))}, fresh seeds", number_text(judged.get("baseline_loss")), NO_FIGURE)
        )
    if judged or against_own:
        loss = number_text((judged or against_own).get("loss"))
        rows.append((f"{lr_text(entry_of(arm.get('settings')).get('lr'))}, fresh seeds", NO_FIGURE, loss))
    if against_own:
        own = lr_text(entry_of(tried.get("baseline")).get("lr"))
        rows.append((f"{own}, yours, fresh seeds", number_text(against_own.get("baseline_loss")), NO_FIGURE))
    return rows


def _before(group: Sequence[Entry]) -> str:
    failed = sum(not trial["feasible"] for trial in group)
    if failed == len(group):
        return "fails"
    mean = mean_text([trial["loss"] for trial in group if trial["feasible"]])
    return f"{mean} ({failed} of {len(group)} fail)" if failed else mean


def _after(run: Entry) -> str:
    return "fails" if run.get("infeasible") else number_text(run.get("loss"))
