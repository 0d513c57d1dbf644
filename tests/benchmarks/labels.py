"""Are the workloads what their docstrings say? Brute force with a plain loop, trainsense's judgement left out.

Run: python -m tests.benchmarks.labels [NAME ...]

300 steps, seeds 50 to 52. Healthy: the learning rate is within a factor of 2.2 (one grid point) of the best one, or
indistinguishable from it (2 % of the drop), and neither warmup nor clipping, there or at twice it, gains more than 2 %
of the drop. Faulty: every seed leaves more than half of the drop behind. Exit 1 where that does not hold.

Measured 2026-11-21 (held-out loss, gru_recall training loss; mean of the seeds):

| workload            | label   | own lr | score  | best lr  | score  | L0    | most gained by warmup or clipping |
| ------------------- | ------- | ------ | ------ | -------- | ------ | ----- | --------------------------------- |
| diabetes_regression | healthy | 0.007  | 2718   | 0.00464  | 2715   | 6117  | 0.15 %                            |
| gru_recall          | healthy | 0.03   | 0.485  | 0.1      | 0.478  | 2.09  | 0.10 %                            |
| texture_cnn         | healthy | 0.01   | 0.058  | 0.01     | 0.058  | 2.10  | 0.47 %                            |
| irnn_exploding      | faulty  | 0.01   | 1.611  | 0.0000464| 0.772  | 1.64  | -                                 |
| slow_autoencoder    | faulty  | 0.0002 | 0.897  | 0.1      | 0.077  | 1.03  | -                                 |
| tabular_post_norm   | faulty  | 0.02   | 1.082  | 0.001    | 0.049  | 1.07  | -                                 |
"""

import math
import sys
from statistics import fmean, median

import torch

from tests.benchmarks.plain_loop import GRID, train
from tests.benchmarks.verdicts import WORKLOADS, expected
from trainsense import Workload
from trainsense.workload.load import load

SEEDS = (50, 51, 52)
WARMUPS = (20, 100)
MARGIN, NEIGHBOUR, FAULT = 0.02, 2.2, 0.5


def scores(workload: Workload, lr: float, *, warmup: int = 0, clip_norm: float | None = None) -> list[float]:
    """Return the scores of all seeds."""
    return [train(workload, lr, seed, warmup=warmup, clip_norm=clip_norm).score for seed in SEEDS]


def curve(workload: Workload) -> dict[float, list[float]]:
    """Return the scores from a decade below the best learning rate to two failing points above it."""
    found: dict[float, list[float]] = {}
    for index in sorted(GRID):
        lr = GRID[index]
        if lr < 1e-5:
            continue
        found[lr] = scores(workload, lr)
        best = min(fmean(values) for values in found.values())
        if len(found) > 3 and all(fmean(values) > 2 * best for values in list(found.values())[-3:]):
            break
    return found


def verdict(workload: Workload, *, healthy: bool) -> tuple[bool, list[str]]:
    """Return whether the label holds, and what was measured."""
    assert workload.lr is not None
    lr, by_lr = workload.lr, curve(workload)
    start = train(workload, lr, SEEDS[0])
    best_lr = min(by_lr, key=lambda key: fmean(by_lr[key]))
    best = fmean(by_lr[best_lr])
    drop = start.initial - best
    own = scores(workload, lr)
    lines = [f"  best {best_lr:.3g} {best:.4g}, L0 {start.initial:.4g}; own lr {lr:.3g} {_told(own)}"]
    lines += [f"  lr {key:8.3g} {_told(values)}" for key, values in by_lr.items() if best_lr / 11 < key < 11 * best_lr]
    if not healthy:
        return all(not score < best + FAULT * drop for score in own), lines
    near = max(lr / best_lr, best_lr / lr) < NEIGHBOUR or fmean(own) - best < MARGIN * drop
    threshold = median(train(workload, lr, SEEDS[0], clip_norm=math.inf).norms)
    tamed = {}
    for factor in (1, 2):
        tamed.update(
            {f"{factor} x lr, warmup {steps}": scores(workload, factor * lr, warmup=steps) for steps in WARMUPS}
        )
        tamed[f"{factor} x lr, clip {threshold:.2g}"] = scores(workload, factor * lr, clip_norm=threshold)
    lines += [f"  {name}: {_told(values)} gain {(best - fmean(values)) / drop:.2%}" for name, values in tamed.items()]
    return near and all(best - fmean(values) < MARGIN * drop for values in tamed.values()), lines


def _told(values: list[float]) -> str:
    return " ".join(f"{value:.4g}" for value in values)


def main() -> int:
    """Print every label with its figures; return the exit code."""
    torch.set_num_threads(1)
    wrong = False
    for file in sorted(WORKLOADS.glob("*.py")):
        if sys.argv[1:] and file.stem not in sys.argv[1:]:
            continue
        healthy = not expected(file).rules
        holds, lines = verdict(load(str(file)).workload, healthy=healthy)
        wrong = wrong or not holds
        print(f"{file.stem}: {'healthy' if healthy else 'faulty'}, {'holds' if holds else 'DOES NOT HOLD'}")
        print("\n".join(lines), flush=True)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
