"""One term of a loss, over several batches."""

import math
from collections.abc import Callable, Sequence

import torch

from trainsense.probes.loss_terms.reading import Reading, column_figures
from trainsense.records.evidence.loss_terms import Labels, Limits, LossTerm

Key = tuple[str, int | None, str, str]


def key(reading: Reading) -> Key:
    """Return what tells the term of a reading from others: kind, width, the layer it comes from, and what bounds it."""
    return reading.kind, reading.classes, reading.parameter, "" if reading.bound is None else reading.bound.kind


def combined(fresh: Sequence[Reading], warmed: Sequence[Reading], labels: Labels | None) -> LossTerm:
    """Return the term that readings of the fresh and of the warmed model are of.

    Args:
        fresh: at least one, all of one term.
        warmed: may be empty.
        labels: its class labels over many batches, None for other targets.
    """
    first = fresh[0]
    variance, square = (0.0, 0.0) if first.targets is None else column_figures(fresh)
    names = {one.probabilities for one in (*fresh, *warmed)}
    classes = first.classes
    return LossTerm(
        kind=first.kind,
        location=first.location,
        count=sum(one.count for one in fresh),
        value=_mean(fresh, lambda one: one.value),
        warmed_value=_mean(warmed, lambda one: one.value) if warmed else None,
        uninformed=variance if first.kind == "squared error" else math.log(2 if classes is None else max(classes, 1)),
        from_zero=square if first.kind == "squared error" else None,
        classes=classes,
        by_design=first.by_design,
        head=not all(_are_all_different(one) for one in fresh),
        limits=_limits(fresh, warmed, variance),
        probabilities=first.probabilities if len(names) == 1 else "",
        unnormalised=all(one.unnormalised for one in fresh),
        targets_outside=None if first.outside is None else _mean(fresh, lambda one: one.outside or 0.0),
        target_low=None if first.targets is None else min(one.target_low for one in fresh),
        target_high=None if first.targets is None else max(one.target_high for one in fresh),
        labels=labels,
    )


def _mean(readings: Sequence[Reading], figure: Callable[[Reading], float]) -> float:
    total = sum(one.count for one in readings)
    return sum(figure(one) * one.count for one in readings) / total


def _are_all_different(reading: Reading) -> bool:
    """Return whether each class is the label of one prediction: the examples of the batch are the classes."""
    labels = reading.labels
    return labels is not None and labels.numel() == reading.classes == int(torch.unique(labels).numel())


def _limits(fresh: Sequence[Reading], warmed: Sequence[Reading], variance: float) -> Limits | None:
    first = fresh[0]
    if first.bound is None or first.bound_location is None:
        return None
    missed = None
    if first.missed is not None:
        distance = _mean(fresh, lambda one: one.missed or 0.0)
        missed = distance / variance if variance > 0 else math.inf if distance > 0 else 0.0
    return Limits(
        operation=first.bound.kind,
        low=first.bound.low,
        high=first.bound.high,
        location=first.bound_location,
        missed=missed,
        floor=None if first.floor is None else _mean(fresh, lambda one: one.floor or 0.0),
        dead_classes=_dead(fresh, warmed, first.bound.low),
    )


def _dead(fresh: Sequence[Reading], warmed: Sequence[Reading], low: float) -> int | None:
    highest = [one.highest for one in (*fresh, *warmed)]
    known = [one for one in highest if one is not None]
    if not known or len(known) != len(highest):
        return None
    return int((torch.stack(known).amax(dim=0) <= low).sum())
