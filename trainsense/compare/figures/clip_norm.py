"""The clipping threshold: a percentile of gradient norms, known between the percentiles beside it."""

from collections.abc import Mapping
from typing import Any, Final

from trainsense.compare.figures.kind import Decision, Kind, direction, not_comparable, overlap, same, without_value
from trainsense.compare.figures.stage import finite, positive
from trainsense.records.report import Report
from trainsense.records.report_comparison import ComparedFigure, Reading
from trainsense.reporters.numbers import number_text

KIND: Final = Kind(name="clip_norm", title="clip norm", interval="neighbouring percentiles of the gradient norm")


def compare_clip_norm(base: Report, new: Report) -> ComparedFigure:
    """Return what became of the threshold.

    A percentile of a few hundred correlated norms of one run moves with the seed. It is held to be known no better than
    to the percentiles on either side of it: a 90th between the 75th and the 99th.
    """
    return KIND.compared(_reading(base), _reading(new), _decision)


def _decision(base: Reading, new: Reading) -> Decision:
    if missing := without_value(base, new):
        return missing
    if base.value == new.value:
        return same("the same threshold")
    if unknown := [side for side, reading in (("BASE", base), ("NEW", new)) if reading.low is None]:
        return not_comparable(f"{' and '.join(unknown)} gives no percentiles beside it")
    if overlap(base, new):
        return same("the percentiles on either side of the thresholds overlap")
    return Decision(verdict=direction(base, new), reason="the percentiles on either side of the thresholds are apart")


def _reading(report: Report) -> Reading | None:
    stage = report.stages.get("pick_clip")
    if stage is None:
        return None
    threshold = positive(stage, "clip_norm")
    if threshold is None:
        refused = stage.get("refused")
        return Reading(value=None, note=refused if isinstance(refused, str) and refused else "no threshold recommended")
    low, high = _beside(stage)
    percentile = finite(stage, "percentile")
    note = "" if percentile is None else f"percentile {number_text(percentile)}"
    return Reading(value=threshold, low=low, high=high, note=note)


def _beside(stage: Mapping[str, Any]) -> tuple[float, float] | tuple[None, None]:
    """Return the percentiles on either side of the threshold's."""
    percentile, told = finite(stage, "percentile"), stage.get("percentiles")
    if percentile is None or not isinstance(told, Mapping):
        return None, None
    norms = {float(key): norm for key in told if _is_number(key) and (norm := finite(told, key)) is not None}
    below = max((key for key in norms if key < percentile), default=None)
    above = min((key for key in norms if key > percentile), default=None)
    return (None, None) if below is None or above is None else (norms[below], norms[above])


def _is_number(key: str) -> bool:
    return key.replace(".", "", 1).isdecimal()
