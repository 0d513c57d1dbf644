"""Loss against step above the best learning rate."""

from collections.abc import Mapping
from typing import Any

from trainsense.records.report import Report
from trainsense.reporters.document.blocks import Table
from trainsense.reporters.document.figures.description import Description, sentence
from trainsense.reporters.document.stage_reading import entries_of, entry_of
from trainsense.reporters.numbers import NOT_AVAILABLE, lr_text, number_text
from trainsense.reporters.sections.stability import instability_text

KINDS = {"none": "none", "early": "early", "mid": "mid-training"}


def loss_above_best_lr(report: Report) -> Description | None:
    """Describe the runs above the best learning rate; None where there were none."""
    stage = entry_of(report.stages.get("check_instability"))
    runs = entries_of(stage.get("runs"))
    if not runs:
        return None
    return Description(
        caption="Loss against step above the best learning rate",
        alternative=sentence(instability_text(stage)),
        numbers=Table(
            columns=("times best lr", "lr", "seed", "instability", "from step", "recovered", "highest loss"),
            rows=tuple(_cells(run) for run in runs),
            numeric=(True, True, True, False, True, False, True),
            caption="The curves step by step: tables/traces.csv in the run directory.",
        ),
    )


def _cells(run: Mapping[str, Any]) -> tuple[str, ...]:
    recovered = run.get("recovered")
    return (
        number_text(run.get("factor"), 3),
        lr_text(run.get("lr")),
        number_text(run.get("seed")),
        KINDS.get(str(run.get("kind")), str(run.get("kind"))),
        NOT_AVAILABLE if run.get("onset_step") is None else str(run["onset_step"]),
        NOT_AVAILABLE if recovered is None else "yes" if recovered else "no",
        number_text(run.get("peak")),
    )
