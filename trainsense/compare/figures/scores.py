"""Losses of one setting over seeds, and what tells two of them apart (PROTOCOL 6)."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from trainsense.compare.figures.kind import Decision, same
from trainsense.compare.figures.sweep import SweepTrial
from trainsense.measure.paired import PRACTICAL_MARGIN, t_interval
from trainsense.measure.unpaired import welch_interval
from trainsense.records.report_comparison import Reading
from trainsense.reporters.numbers import lr_text, number_text, percent_text

WITHOUT_INTERVAL: Final = 0.5
"""Share of D from which on a difference counts that one seed shows: what separates training from failing (PROTOCOL 2.3)."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Losses of one setting.

    Args:
        lr: its learning rate.
        by_seed: seed -> loss, infeasible seeds counted as achieving nothing (PROTOCOL 6.4).
        failed: how many seeds were infeasible.
    """

    lr: float
    by_seed: Mapping[int, float]
    failed: int

    @property
    def all_failed(self) -> bool:
        """Return whether no seed was feasible."""
        return self.failed >= len(self.by_seed)

    @property
    def values(self) -> list[float]:
        """Return the losses."""
        return list(self.by_seed.values())

    @property
    def mean(self) -> float:
        """Return their mean."""
        return float(np.mean(self.values))


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Mean of NEW less that of BASE, with its 95 % interval and how it was reached."""

    mean: float
    low: float
    high: float
    how: str


def scores_of(lr: float, trials: Iterable[SweepTrial], ceiling: float | None) -> Scores | None:
    """Return the losses of trials of one setting; None without any that can be counted.

    Args:
        lr: the setting's learning rate.
        trials: one a seed.
        ceiling: what counts as achieving nothing; where it is unknown, infeasible seeds are left out.
    """
    by_seed: dict[int, float] = {}
    failed = 0
    for trial in trials:
        if not trial.feasible or trial.loss is None:
            failed += 1
            if ceiling is not None:
                by_seed[trial.seed] = ceiling
        else:
            by_seed[trial.seed] = trial.loss if ceiling is None else min(trial.loss, ceiling)
    return Scores(lr=lr, by_seed=by_seed, failed=failed) if by_seed else None


def reading_of(scores: Scores | None) -> Reading | None:
    """Return the mean with its Student t interval; one seed gives none."""
    if scores is None:
        return None
    count = len(scores.by_seed)
    note = f"lr {lr_text(scores.lr)}, {count} {'seed' if count == 1 else 'seeds'}"
    if scores.failed:
        note += f", {scores.failed} failed"
    low, high = t_interval(scores.values)
    interval = (low, high) if math.isfinite(low) else (None, None)
    return Reading(value=scores.mean, low=interval[0], high=interval[1], note=note)


def decide(base: Scores, new: Scores, drop: float | None) -> Decision:
    """Say whether two losses on one scale can be told apart.

    Args:
        base: of BASE.
        new: of NEW.
        drop: D of BASE, None where it is not known.
    """
    if base.all_failed and new.all_failed:
        return same("it fails on all seeds in both")
    difference = _difference(base, new)
    if difference is None:
        return _without_interval(base, new, drop)
    told = (
        f"difference {_signed(difference.mean)} ({number_text(difference.low, 3)} to {number_text(difference.high, 3)})"
    )
    told += f", {difference.how}"
    if difference.low <= 0 <= difference.high:
        return same(f"{told}: zero is within")
    margin = _margin(base, drop)
    if abs(difference.mean) <= margin:
        return same(f"{told}: below the practical margin of {number_text(margin, 3)}")
    share = "" if drop is None else f", {percent_text(abs(difference.mean) / drop)}% of the loss drop"
    return _gone(difference.mean, f"{told}{share}")


def _difference(base: Scores, new: Scores) -> Difference | None:
    """Return the difference in pairs where two or more seeds are in both (PROTOCOL 6.1), else after Welch."""
    shared = sorted(base.by_seed.keys() & new.by_seed.keys())
    if len(shared) >= 2:
        gaps = [new.by_seed[seed] - base.by_seed[seed] for seed in shared]
        mean, (low, high), how = float(np.mean(gaps)), t_interval(gaps), f"in pairs, {len(shared)} seeds"
    else:
        mean, (low, high), how = new.mean - base.mean, welch_interval(base.values, new.values), "other seeds in each"
    return Difference(mean=mean, low=low, high=high, how=how) if math.isfinite(low) and math.isfinite(high) else None


def _margin(base: Scores, drop: float | None) -> float:
    """Return the smallest difference worth having (PROTOCOL 6.3), in units of the loss."""
    values = base.values
    spread = float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return max(PRACTICAL_MARGIN * (drop or 0.0), spread)


def _without_interval(base: Scores, new: Scores, drop: float | None) -> Decision:
    difference = new.mean - base.mean
    told = f"difference {_signed(difference)}; one seed gives no interval"
    if difference == 0:
        return same("the same loss on one seed, which gives no interval")
    if drop is not None and abs(difference) > WITHOUT_INTERVAL * drop:
        return _gone(difference, f"{told}, but it is {percent_text(abs(difference) / drop)}% of the loss drop")
    return same(f"{told}, and this may be chance")


def _gone(difference: float, reason: str) -> Decision:
    if difference > 0:
        return Decision(verdict="worse", reason=reason)
    return Decision(verdict="better", reason=reason, improvement=True)


def _signed(value: float) -> str:
    text = number_text(value, 3)
    return f"+{text}" if value > 0 else text
