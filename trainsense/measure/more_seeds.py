"""Where on the learning-rate axis more seeds can be expected to change the answer (PROTOCOL 2.4: "more while undecided")."""

import math

import numpy as np

from trainsense.records.evidence.sweep import LearningRateSweep


def worth_more_seeds(sweep: LearningRateSweep, least: float) -> list[float]:
    """Return the learning rates that may well be better than lr*, the most promising first.

    By the expected improvement (Mockus, Tiesis and Zilinskas 1978) of a point's mean over the best one's. Scores are taken for the sum
    of what the lr does, what the seed does (some are hard at any lr) and noise, as far as the points that have all seeds show it. Where
    only the best one has them, its own scores bound the noise, nobody can tell an easy seed from its luck, and one point is named: the
    next look, at two, knows more.

    Args:
        sweep: the evidence so far.
        least: expected improvement from which a point is named, as a share of D.

    Returns:
        Learning rates, all of them feasible, with fewer seeds than the best; empty where it has a single one.
    """
    scores = {
        point.lr: {run.trial.seed: run.score for run in point.runs if run.score is not None}
        for point in sweep.points
        if point.feasible and not any(run.dropped for run in point.runs)
    }
    best = scores.get(sweep.best_lr or math.nan, {})
    if len(best) < 2 or not sweep.drop.assessable:
        return []
    seeds = list(best)
    known = [own for own in scores.values() if all(seed in own for seed in seeds)]
    table = np.array([[own[seed] for seed in seeds] for own in known])
    hard = dict(zip(seeds, table.mean(axis=0) - table.mean(), strict=True))
    noise = table - table.mean(axis=1, keepdims=True) - np.array(list(hard.values()))
    bound = float(np.var(list(best.values()), ddof=1))
    variance = (float(np.sum(noise**2)) + bound) / ((len(known) - 1) * (len(seeds) - 1) + 1)
    expected = {}
    for lr, own in scores.items():
        common = [seed for seed in seeds if seed in own]
        if not 0 < len(common) < len(seeds):
            continue
        gaps = [float(np.mean([own[seed] - hard[seed] for seed in common]))]
        gaps += [float(np.mean([own[seed] for seed in common]))] if len(known) == 1 else []
        gap = min(gaps) - float(np.mean(list(best.values())))
        deviation = math.sqrt(variance * (1 / len(common) + 1 / len(known)))
        expected[lr] = expected_improvement(gap, deviation) / sweep.drop.value
    worth = sorted((lr for lr in expected if expected[lr] > least), key=lambda lr: -expected[lr])
    return worth if len(known) > 1 else worth[:1]


def expected_improvement(gap: float, deviation: float) -> float:
    """Return by how much something is better on average, counting as 0 where it is worse, if it is normal about `-gap`.

    Args:
        gap: by how much it seems worse.
        deviation: standard deviation of that.

    >>> round(expected_improvement(0.0, 1.0), 3), round(expected_improvement(1.0, 1.0), 3), expected_improvement(1.0, 0.0)
    (0.399, 0.083, 0.0)
    """
    if not deviation > 0:
        return max(0.0, -gap)
    ratio = gap / deviation
    density = math.exp(-0.5 * ratio * ratio) / math.sqrt(2 * math.pi)
    return deviation * density - gap * 0.5 * math.erfc(ratio / math.sqrt(2))
