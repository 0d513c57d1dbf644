"""Learning-rate sweep: bracket, grid, seeds (PROTOCOL 2)."""

from typing import Final

from trainsense.lab import Lab
from trainsense.measure.bracket import Bracket, read_bracket
from trainsense.measure.grid import grid_index, grid_lr
from trainsense.protocol.lr_grid import Grid
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
LIKELY_BELOW: Final = (4, 2)
"""The best learning rate lies so many grid points below the divergence, or near (measured on ten workloads: 2 to 6)."""
CONTENDING: Final = 0.03
"""The neighbours of the best get more seeds where they are within this share of D of it: from seed to seed the difference of two
neighbours varies by 0.002 to 0.02 of D (measured on four workloads of 5 seeds each). One above it that fails gets them too: whether
the best lies at the edge is decided there."""
CLEARLY_WORSE: Final = 0.25
"""The grid goes up until something fails or ends this share of D above the best."""
SEEDS_TO_CONTEND: Final = 2
"""So many seeds at least, one less than the best of them, which gets all."""
MOST_SEEDS: Final = 7
"""Seeds at the best lr while D is not three standard errors (PROTOCOL 0 and 2.4: more while undecided)."""
MOST_SEED_ROUNDS: Final = 3
"""How often the points with more seeds are chosen anew, as the best moves."""


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
    grid = Grid(lab, plan, bracket_run, stop_loss(bracket))
    if bracket is None:
        ends = grid_index(LOWEST_LR), grid_index(plan.subject.lr or 1e-3)
        grid.run([(index, plan.seed) for index in ends], "coarse learning-rate grid")
        return grid.sweep() if grid.indices else None
    _coarse(grid, plan, grid_index(bracket.divergence_lr), stop_loss(bracket))
    if not grid.indices:
        return None
    _refine(grid, plan)
    if plan.effort.edge:
        _close_in_on_edge(grid)
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


def _coarse(grid: Grid, plan: Plan, top: int, stop: float | None) -> None:
    """Run every second grid point around the divergence and the best one's neighbours; extend while the best is at an end.

    First those where the best mostly is, with the user's own; the others race against the best of these.

    Args:
        grid: empty so far.
        plan: horizon and seeds.
        top: grid point at which the range test came undone.
        stop: loss above which a trial is stopped.
    """
    lr = plan.subject.lr
    own = None if lr is None else grid_index(lr)
    first, last = top - POINTS_BELOW, top + POINTS_ABOVE
    if own is not None:  # whatever the range test says, the grid reaches the user's lr
        first, last = min(first, own), max(last, own + 1)
    likely = {top - place for place in LIKELY_BELOW}
    beside = []
    if own is not None and lr is not None:
        likely |= {own} if grid_lr(own) == lr else set()
        beside = [plan.own(lr, plan.seed, stop)]
    if not grid.run([(index, plan.seed) for index in likely], "coarse learning-rate grid", beside=beside):
        return
    coarse = {*range(top, first - 1, -2), *range(top, last + 1, 2), first, last} - likely
    around, _ = _around(_best_index(grid), grid.indices)
    if not grid.run([], "coarse learning-rate grid", raced=coarse | set(around)):
        return
    for _ in range(MOST_EXTENSIONS):
        wanted, purpose = (
            _around(_best_index(grid), grid.indices) if _seen_failing(grid.sweep()) else _above(grid.indices)
        )
        if not wanted or not grid.run([], purpose, raced=wanted):
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


def _best_index(grid: Grid) -> int | None:
    best = grid.sweep().best_lr
    return None if best is None else grid_index(best)


def _refine(grid: Grid, plan: Plan) -> None:
    """Give the best point, its neighbours and whatever is close to it all seeds."""
    if len(plan.seeds) < 2:
        return
    for _ in range(MOST_SEED_ROUNDS):
        sweep = grid.sweep()
        if sweep.best_lr is None or sweep.drop.value <= 0:
            return
        best = grid_index(sweep.best_lr)
        if not sweep.drop.assessable:
            more = [(best, plan.seed + count) for count in range(MOST_SEEDS)]
            if sweep.seeds < MOST_SEEDS and grid.run(more, "more seeds, to tell the loss drop from its noise"):
                continue
            return
        near = {
            index
            for point, score in zip(sweep.points, sweep.scores, strict=True)
            if abs((index := grid_index(point.lr)) - best) <= 1
            and score - sweep.drop.best <= CONTENDING * sweep.drop.value
        }
        above = sweep.point(grid_lr(best + 1))
        failing = {best + 1} if above is not None and any(above.infeasible) else set()
        contending = plan.seeds[: max(SEEDS_TO_CONTEND, len(plan.seeds) - 1)]
        places = {(index, seed) for index in {best} | failing for seed in plan.seeds}
        places |= {(index, seed) for index in near for seed in contending}
        edge = [] if (between := _between_edge(sweep)) is None or not plan.effort.edge else [between]
        if not grid.run(places, "seeds around the best learning rate", raced=edge) or _best_index(grid) == best:
            return


def _close_in_on_edge(grid: Grid) -> None:
    """Run what lies between the largest learning rate that trains and the first that fails."""
    for _ in range(MOST_EXTENSIONS):
        between = _between_edge(grid.sweep())
        if between is None or not grid.run([], "edge of the learning rates that train", raced=[between]):
            return


def _between_edge(sweep: LearningRateSweep) -> int | None:
    """Return a grid point half way from the largest lr that trains to the first that fails, None where they are neighbours."""
    failing = [point.lr for point in sweep.points if sweep.edge_lr and point.lr > sweep.edge_lr]
    if not failing or not sweep.edge_lr:
        return None
    below, above = grid_index(sweep.edge_lr), grid_index(failing[0])
    return (below + above) // 2 if above - below > 1 else None
