"""The learning-rate axis: the loss of every learning rate tried."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from trainsense.records.report import Report
from trainsense.reporters.document.blocks import Table
from trainsense.reporters.document.figures.description import Description
from trainsense.reporters.document.stage_reading import entries_of, entry_of
from trainsense.reporters.numbers import NOT_AVAILABLE, as_number, lr_text, number_text
from trainsense.reporters.sections.lr_strip import lr_strip, trials_by_lr


def lr_axis(report: Report) -> Description | None:
    """Describe the learning-rate axis; None where no sweep ran."""
    strip = lr_strip(report)
    numbers = lr_trials(report)
    if strip is None or numbers is None:
        return None
    return Description(
        caption="Final loss of each learning rate tried",
        alternative=f"Final loss against learning rate, failures as crosses: {strip.figures}.",
        numbers=numbers,
    )


def lr_trials(report: Report) -> Table | None:
    """Return the trials of the sweep, a row for each learning rate; None where no sweep ran."""
    trials = trials_by_lr(entries_of(entry_of(report.stages.get("sweep_lr")).get("trials")))
    if not trials:
        return None
    return Table(
        columns=("lr", "mean loss", "loss of each seed", "fails"),
        rows=tuple((lr_text(lr), *_cells(group)) for lr, group in trials.items()),
        numeric=(True, True, False, False),
        caption="The mean is over the seeds that train.",
    )


def mean_text(losses: Sequence[object]) -> str:
    """Return the mean of the losses that are finite."""
    numbers = [as_number(loss) for loss in losses]
    finite = [loss for loss in numbers if loss is not None and math.isfinite(loss)]
    return number_text(sum(loss / len(finite) for loss in finite)) if finite else NOT_AVAILABLE


def _cells(group: Sequence[Mapping[str, Any]]) -> tuple[str, str, str]:
    failed = [trial for trial in group if not trial["feasible"]]
    mean = mean_text([trial["loss"] for trial in group if trial["feasible"]])
    losses = ", ".join(number_text(trial["loss"]) for trial in group)
    reasons = ", ".join(dict.fromkeys(str(trial["reason"]) for trial in failed if trial["reason"]))
    fails = f"{len(failed)} of {len(group)}" + (f": {reasons}" if reasons else "") if failed else "no"
    return mean, losses, fails
