"""The norm of the gradient before clipping, and the threshold."""

from collections.abc import Iterator, Mapping
from typing import Any

from trainsense.records.report import Report
from trainsense.reporters.document.blocks import Table
from trainsense.reporters.document.figures.description import Description, sentence
from trainsense.reporters.document.stage_reading import entry_of
from trainsense.reporters.numbers import number_text, percent_text
from trainsense.reporters.sections.stability import clipping_text


def gradient_norm(report: Report) -> Description | None:
    """Describe the norms that a threshold was looked for in; None where no stable run gave any."""
    stage = entry_of(report.stages.get("pick_clip"))
    percentiles = entry_of(stage.get("percentiles"))
    if not percentiles:
        return None
    half, most = (number_text(percentiles.get(key), 3) for key in ("50", "90"))
    levels = f"Half of the gradient norms of a stable run lie below {half}, 90% below {most}."
    return Description(
        caption="Gradient norm before clipping, and the threshold",
        alternative=f"{levels} {sentence(clipping_text(stage))}",
        numbers=Table(columns=("gradient norm", "value"), rows=tuple(_rows(stage, percentiles)), numeric=(False, True)),
    )


def _rows(stage: Mapping[str, Any], percentiles: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    over = stage.get("over")
    of = f" of the {over}" if isinstance(over, str) and over != "all" else ""
    for percentile, norm in percentiles.items():
        yield f"percentile {percentile}{of}", number_text(norm)
    if stage.get("clip_norm") is not None:
        yield "threshold", number_text(stage["clip_norm"])
    if stage.get("clipped_fraction") is not None:
        yield "share of steps that the threshold clips", f"{percent_text(stage['clipped_fraction'])}%"
