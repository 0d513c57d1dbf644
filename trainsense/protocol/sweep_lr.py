"""Learning-rate sweep: bracket, grid, seeds (PROTOCOL 2)."""

from collections.abc import Sequence
from typing import Final

from trainsense.lab import Lab
from trainsense.measure.bracket import Bracket, read_bracket
from trainsense.measure.grid import grid_index, grid_lr
from trainsense.measure.sweep import assemble
from trainsense.records.evidence import LearningRateSweep
from trainsense.records.plan import Plan
from trainsense.records.run import Run
from trainsense.records.trial import RANGE_TEST, Trial

LOWEST_LR: Final = 1e-7
"""Where the range test starts; it ends nine decades above."""
POINTS_BELOW: Final = 6
"""Grid points below the divergence: two decades (PROTOCOL 2.2)."""
POINTS_ABOVE: Final = 2
"""Grid points above it (PROTOCOL 2.2)."""
MOST_EXTENSIONS: Final = 6
"""How often the grid grows while the best is at its end, two points at a time."""
EXPLOSION: Final = 1000.0
"""A trial whose loss is this many drops above L0 is stopped; anything less must go on (PROTOCOL 2.3)."""
NEAR_BEST: Final = 0.02
"""Points within this share of D of the best get more seeds, beside its neighbours."""
CLEARLY_WORSE: Final = 0.25
"""The grid goes up until something fails or ends this share of D above the best."""
MOST_SEEDS: Final = 7
"""Seeds at the best lr while D is not three standard errors (PROTOCOL 0 and 2.4: more while undecided)."""
MOST_SEED_ROUNDS: Final = 3
"""How often the points with more seeds are chosen anew, as the best moves."""


class _Grid:
    """The trials of a sweep as they come in."""

    def __init__(self, lab: Lab, plan: Plan, bracket: Run, stop_loss: float | None) -> None:
        self._lab, self._plan = lab, plan
        self._bracket, self._stop_loss = bracket, stop_loss
        self._runs: dict[int, dict[int, Run]] = {}

    def run(self, indices: Sequence[int], seeds: Sequence[int], purpose: str) -> bool:
        """Run grid points; return whether all fitted the budget."""
        places = [(index, seed) for seed in seeds for index in indices]
        trials = [self._plan.trial(grid_lr(index), seed, self._stop_loss) for index, seed in places]
        runs = self._lab.run(trials, purpose)
        for (index, seed), run in zip(places, runs, strict=True):
            if not run.skipped:
                self._runs.setdefault(index, {})[seed] = run
        return not any(run.skipped for run in runs)

    @property
    def indices(self) -> list[int]:
        return sorted(self._runs)

    def sweep(self) -> LearningRateSweep:
        """Return the evidence so far; at least one trial must have run."""
        return assemble(
            {grid_lr(index): [runs[seed] for seed in sorted(runs)] for index, runs in self._runs.items()},
            horizon=self._plan.horizon,
            bracket=self._bracket,
            stop_loss=self._stop_loss,
            prefixes_count=self._plan.subject.constant_schedule,
        )


def sweep_lr(lab: Lab, plan: Plan) -> LearningRateSweep | None:
    """Find lr*, its range, the infeasible learning rates and the edge; None if the budget held no trial.

    Args:
        lab: runs the trials.
        plan: horizon, seeds and effort.
    """
    bracket_run = bracket_of(lab, plan)
    if bracket_run.skipped:
        return None
    bracket = read_bracket(bracket_run.trace.lr, bracket_run.trace.loss)
    grid = _Grid(lab, plan, bracket_run, stop_loss(bracket))
    if bracket is None:
        grid.run(
            [grid_index(LOWEST_LR), grid_index(plan.subject.lr or 1e-3)], plan.seeds[:1], "coarse learning-rate grid"
        )
        return grid.sweep() if grid.indices else None
    top = grid_index(bracket.divergence_lr)
    first, last = top - POINTS_BELOW, top + POINTS_ABOVE
    if plan.subject.lr is not None:  # whatever the range test says, the grid reaches the user's lr
        first, last = min(first, grid_index(plan.subject.lr)), max(last, grid_index(plan.subject.lr) + 1)
    _coarse(grid, plan, list(range(first, last + 1, 2)))
    if not grid.indices:
        return None
    if plan.effort.whole_grid:
        grid.run(range(first, max(last, grid.indices[-1]) + 1), plan.seeds[:1], "whole learning-rate grid")
    _refine(grid, plan)
    return grid.sweep()


def bracket_of(lab: Lab, plan: Plan) -> Run:
    """Run the exponential range test."""
    trial = Trial(
        lr=LOWEST_LR,
        seed=plan.seed,
        steps=plan.bracket_steps,
        schedule=RANGE_TEST,
        clip_norm=plan.subject.clip_norm,
        evaluate=False,
    )
    return lab.run([trial], "exponential range test")[0]


def stop_loss(bracket: Bracket | None) -> float | None:
    """Return the loss above which a trial is stopped, None without a bracket."""
    if bracket is None:
        return None
    return bracket.start + EXPLOSION * max(bracket.gain, 0.01 * abs(bracket.start), 1e-6)


def _coarse(grid: _Grid, plan: Plan, indices: list[int]) -> None:
    """Run every second grid point from low to high, then the best one's neighbours; extend while the best is at an end.

    All at once: those that fail stop at their divergence, and what the points tell each other would save little more.
    """
    if not grid.run(indices, plan.seeds[:1], "coarse learning-rate grid"):
        return
    for _ in range(MOST_EXTENSIONS):
        wanted, purpose = (
            _around(_best_index(grid), grid.indices) if _seen_failing(grid.sweep()) else _above(grid.indices)
        )
        if not wanted or not grid.run(wanted, plan.seeds[:1], purpose):
            return


def _seen_failing(sweep: LearningRateSweep) -> bool:
    """Whether the grid reaches up to where training fails, or is clearly worse than at the best."""
    top, score = sweep.points[-1], sweep.scores[-1]
    worse = sweep.drop.assessable and score - sweep.drop.best > CLEARLY_WORSE * sweep.drop.value
    return sweep.best_lr is None or any(top.infeasible) or worse


def _above(known: list[int]) -> tuple[list[int], str]:
    return [known[-1] + 1, known[-1] + 2], "higher learning rates"


def _around(best: int | None, known: list[int]) -> tuple[list[int], str]:
    """Return the grid points to run next, none if the best is known from both sides, and what they are for."""
    if best is None:
        lowest = [] if known[0] < grid_index(LOWEST_LR) else [known[0] - 4, known[0] - 2]
        return lowest, "lower learning rates"
    if best == known[0]:
        return [best - 1, best - 2], "lower learning rates"
    if best == known[-1]:
        return _above(known)
    beside = [index for index in (best - 1, best + 1) if index not in known]
    return beside, "neighbours of the best learning rate"


def _best_index(grid: _Grid) -> int | None:
    best = grid.sweep().best_lr
    return None if best is None else grid_index(best)


def _refine(grid: _Grid, plan: Plan) -> None:
    """Give the best point, its neighbours and whatever is close to it all seeds."""
    if len(plan.seeds) < 2:
        return
    for _ in range(MOST_SEED_ROUNDS):
        sweep = grid.sweep()
        if sweep.best_lr is None or sweep.drop.value <= 0:
            return
        best = grid_index(sweep.best_lr)
        if not sweep.drop.assessable:
            more = range(plan.seed, plan.seed + MOST_SEEDS)
            if sweep.seeds < MOST_SEEDS and grid.run([best], more, "more seeds, to tell the loss drop from its noise"):
                continue
            return
        close = {
            grid_index(point.lr)
            for point, score in zip(sweep.points, sweep.scores, strict=True)
            if score - sweep.drop.best <= NEAR_BEST * sweep.drop.value
        }
        wanted = {best - 1, best, best + 1} | {index for index in close if abs(index - best) <= 2}
        if not grid.run(sorted(wanted), plan.seeds, "seeds around the best learning rate"):
            return
        if _best_index(grid) == best:
            return
