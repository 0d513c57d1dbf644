"""The warmups that were tried: length against peak learning rate."""

from collections.abc import Mapping, Sequence
from typing import Any

from trainsense.records.report import Report
from trainsense.reporters.document.blocks import Table
from trainsense.reporters.document.figures.description import Description, sentence
from trainsense.reporters.document.figures.lr_axis import mean_text
from trainsense.reporters.document.stage_reading import entries_of, entry_of
from trainsense.reporters.numbers import lr_text, number_text
from trainsense.reporters.sections.stability import warmup_text


def warmup_grid(report: Report) -> Description | None:
    """Describe the warmups tried; None where none was."""
    stage = entry_of(report.stages.get("sweep_warmup"))
    cells: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for trial in entries_of(stage.get("trials")):
        cells.setdefault((lr_text(trial["lr"]), number_text(trial["warmup_steps"])), []).append(trial)
    if not cells:
        return None
    return Description(
        caption="Warmups tried: length against peak learning rate",
        alternative=sentence(warmup_text(stage)),
        numbers=Table(
            columns=("peak lr", "times unstable lr", "warmup steps", "seeds that train", "mean loss"),
            rows=tuple((lr, _factor(group), steps, *_result(group)) for (lr, steps), group in cells.items()),
            numeric=(True, True, True, False, True),
        ),
    )


def _factor(group: Sequence[Mapping[str, Any]]) -> str:
    return number_text(group[0].get("factor"), 3)


def _result(group: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    trains = sum(bool(trial["feasible"]) for trial in group)
    return f"{trains} of {len(group)}", mean_text([trial["loss"] for trial in group])
