"""Is lr* the best learning rate? The sweep against brute force with a plain loop.

Run: python -m tests.benchmarks.lr_regret [NAME ...]

Brute force: 300 steps, thirds of a decade, three seeds, scored as in PROTOCOL 0; once with fresh seeds (50, 51, 52) and once with the
sweep's own (0, 1, 2), where a seed means the same weights and batches as in the sweep. The true best is the lowest mean score, a
learning rate at which a seed leaves the finite range being out. Regret is the mean score at lr* less the best one's, as a
share of the drop from L0 to the best. Exit 1 if it is above 2 % on the fresh seeds.

Measured 2026-11-21 (fresh seeds / the sweep's own):

| workload            | lr*     | range             | steps | true best         | regret          |
| ------------------- | ------- | ----------------- | ----- | ----------------- | --------------- |
| diabetes_regression | 0.00464 | 0.00464 to 0.0215 | 5529  | 0.00464 / 0.00464 | 0.00 % / 0.00 % |
| gru_recall          | 0.0464  | 0.01 to 0.1       | 6124  | 0.1 / 0.1         | 0.05 % / 0.07 % |
| texture_cnn         | 0.0215  | 0.01 to 0.0464    | 5524  | 0.01 / 0.0215     | 0.41 % / 0.00 % |
| slow_autoencoder    | 0.0464  | 0.0464 to 0.1     | 5542  | 0.1 / 0.1         | 1.35 % / 1.21 % |
(slow_autoencoder: 0.1 is the best, and next to a learning rate that fails; PROTOCOL 2.4 prefers the one below it.)
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import torch

from tests.benchmarks.plain_loop import GRID, train
from trainsense import Workload, sweep_lr
from trainsense.records.request import BudgetLimit
from trainsense.workload.load import load

ROOT = Path(__file__).parents[2]
FILES = {
    path.stem: path
    for path in (
        ROOT / "tests/benchmarks/workloads/diabetes_regression.py",
        ROOT / "tests/benchmarks/workloads/gru_recall.py",
        ROOT / "tests/benchmarks/workloads/texture_cnn.py",
        ROOT / "tests/benchmarks/workloads/slow_autoencoder.py",
        ROOT / "recipes/healthy_mlp.py",
    )
}
DEFAULT = ("diabetes_regression", "gru_recall", "texture_cnn", "slow_autoencoder")
STEPS, BUDGET_STEPS = 300, 20_000
FRESH_SEEDS, OWN_SEEDS = (50, 51, 52), (0, 1, 2)
SPAN = 6
"""Grid points looked at on either side of lr*: two decades; further while the best is at an end."""
MOST_REGRET = 0.02


class BruteForce:
    """Mean scores over some seeds by learning rate, computed when asked for."""

    def __init__(self, workload: Workload, seeds: Sequence[int]) -> None:
        self._workload, self._seeds = workload, seeds
        self._scores: dict[float, float] = {}
        self.initial = 0.0

    def score(self, lr: float) -> float:
        """Return the mean score at `lr`, infinite if a seed failed."""
        if lr not in self._scores:
            runs = [train(self._workload, lr, seed, steps=STEPS) for seed in self._seeds]
            self._scores[lr] = fmean(run.score for run in runs)
            self.initial = fmean(run.initial for run in runs)
        return self._scores[lr]

    def best(self, near: float) -> float:
        """Return the best learning rate of the grid around `near`."""
        middle = min(GRID, key=lambda index: abs(GRID[index] - near) / GRID[index])
        low, high = middle - SPAN, middle + SPAN
        while True:
            best = min(range(low, high + 1), key=lambda index: self.score(GRID[index]))
            if low < best < high:
                return GRID[best]
            low, high = min(low, best - 2), max(high, best + 2)

    def regret(self, lr: float) -> float:
        """Return what `lr` loses against the best, as a share of the drop."""
        lowest = self.score(self.best(lr))
        return (self.score(lr) - lowest) / (self.initial - lowest)


def main() -> int:
    """Print a line per workload; return the exit code."""
    torch.set_num_threads(1)
    failed = False
    print(f"{'workload':20} {'lr*':>8} {'range':>18} {'steps':>6} {'true best':>19} {'regret':>15}  L0, best score")
    for name in sys.argv[1:] or DEFAULT:
        workload = load(str(FILES[name])).workload
        started = time.perf_counter()
        report = sweep_lr(workload, steps=STEPS, budget=BudgetLimit(amount=BUDGET_STEPS, unit="steps")).report
        seconds = time.perf_counter() - started
        entry = report.stages["sweep_lr"]
        lr, (low, high) = entry["best_lr"], entry["best_range"]
        fresh, own = BruteForce(workload, FRESH_SEEDS), BruteForce(workload, OWN_SEEDS)
        failed = failed or fresh.regret(lr) > MOST_REGRET
        best = f"{fresh.best(lr):.3g} / {own.best(lr):.3g}"
        regret = f"{fresh.regret(lr):.2%} / {own.regret(lr):.2%}"
        level = f"{fresh.initial:.4g}, {fresh.score(fresh.best(lr)):.4g}"
        print(
            f"{name:20} {lr:8.3g} {f'{low:.3g} to {high:.3g}':>18} {report.cost.steps:6} {best:>19} {regret:>15}  {level}"
            f"  ({seconds:.0f} s)",
            flush=True,
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
