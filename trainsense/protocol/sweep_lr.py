"""Learning-rate sweep: bracket, grid, seeds (PROTOCOL 2)."""

from dataclasses import replace
from typing import Final

from trainsense.lab import Lab
from trainsense.measure.bracket import Bracket, read_bracket
from trainsense.measure.grid import grid_index, grid_lr
from trainsense.measure.more_seeds import worth_more_seeds
from trainsense.measure.symptoms import SUFFERING_SHARE
from trainsense.protocol.lr_grid import Grid
from trainsense.records.evidence import LearningRateSweep
from trainsense.records.plan import Plan
from trainsense.records.run import Run
from trainsense.records.trial import RANGE_TEST, Trial

PURPOSE: Final = "seeds around the best learning rate"
LOWEST_LR: Final = 1e-7
"""Where the range test starts; it ends nine decades above."""
POINTS_BELOW: Final = 6
"""Grid points below the divergence: two decades (PROTOCOL 2.2)."""
AT_ONCE: Final = 2
"""Grid points that are added at an end of the grid: above the divergence only where training does not fail there (PROTOCOL 2.2 has two
above it in any case; they tell nothing that the first has not)."""
MOST_EXTENSIONS: Final = 6
"""How often the grid grows while the best is at its end, two points at a time."""
EXPLOSION: Final = 1000.0
"""A trial whose loss is this many drops above L0 is stopped; anything less must go on (PROTOCOL 2.3)."""
LIKELY_BELOW: Final = (4, 2)
"""The best learning rate lies so many grid points below the divergence, or near (measured on ten workloads: 2 to 6)."""
CLEARLY_WORSE: Final = 0.25
"""The grid goes up until something fails or ends this share of D above the best."""
WORTH_SEEDS: Final = 0.01
"""A learning rate gets all seeds where that can be expected to find something better by this share of D: half of what counts as a
difference (PROTOCOL 6.3; measured in replays of full grids of twelve workloads, 120 sweeps: at 0.005 and at 0.01 the regrets are equal;
with two seeds to whatever is within 0.03 of D instead, sweeps of a noisy ConvNet ended 0.065 and 0.175 of D above the best)."""
MOST_SEEDS: Final = 7
"""Seeds at the best lr while D is not three standard errors (PROTOCOL 0 and 2.4: more while undecided)."""
MOST_SEED_ROUNDS: Final = 6
"""How often the points with more seeds are chosen anew, as the best moves: first the best gets them, and says how much seeds differ."""


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

    First where the best mostly is, and the user's own; the others race against the better of these.

    Args:
        grid: empty so far.
        plan: horizon and seeds.
        top: grid point at which the range test came undone.
        stop: loss above which a trial is stopped.
    """
    own = _own(plan, plan.seed, stop)
    on_grid = own is not None and grid_lr(grid_index(own.lr)) == own.lr
    likely = {grid_index(own.lr)} if own is not None and on_grid else set()
    others = [top - place for place in LIKELY_BELOW if top - place not in likely]
    likely |= set(others[: 1 if own is not None else None])
    beside = [] if own is None or on_grid else [own]
    if not grid.run([(index, plan.seed) for index in likely], "coarse learning-rate grid", beside=beside):
        return
    coarse = set(range(top, top - POINTS_BELOW - 1, -2))
    if own is not None and _leads(grid, own, top):
        coarse |= {grid_index(own.lr), grid_index(own.lr) + 1}
    around, _ = _around(_best_index(grid), grid.indices)
    if not grid.run([], "coarse learning-rate grid", raced=(coarse | set(around)) - likely):
        return
    for _ in range(MOST_EXTENSIONS):
        wanted, purpose = (
            _around(_best_index(grid), grid.indices) if _seen_failing(grid.sweep()) else _above(grid.indices)
        )
        if not wanted or not grid.run([], purpose, raced=wanted):
            return


def _own(plan: Plan, seed: int, stop: float | None) -> Trial | None:
    """Return a trial of the user's own setting, None without one."""
    return None if plan.subject.lr is None else plan.own(plan.subject.lr, seed, stop)


def _leads(grid: Grid, own: Trial, top: int) -> bool:
    """Whether the user's lr, no point of the grid, says that the grid has to reach it, whatever the range test said."""
    run = grid.beside(own)
    if run is None or run.score is None or not run.completed:
        return False
    return run.score <= min(grid.sweep().scores) or grid_index(own.lr) > top


def _seen_failing(sweep: LearningRateSweep) -> bool:
    """Whether the grid reaches up to where training fails, or is clearly worse than at the best."""
    top, score = sweep.points[-1], sweep.scores[-1]
    worse = sweep.drop.assessable and score - sweep.drop.best > CLEARLY_WORSE * sweep.drop.value
    return sweep.best_lr is None or any(top.infeasible) or worse


def _above(known: list[int]) -> tuple[list[int], str]:
    return [known[-1] + place for place in range(1, AT_ONCE + 1)], "higher learning rates"


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
    """Give the best point all seeds, and then whatever may be better than it."""
    if len(plan.seeds) < 2:
        return
    for _ in range(MOST_SEED_ROUNDS):
        sweep = grid.sweep()
        if sweep.best_lr is None or sweep.drop.value <= 0:
            return
        best, known = grid_index(sweep.best_lr), len(grid)
        if not sweep.drop.assessable:
            more = [(best, plan.seed + count) for count in range(MOST_SEEDS)]
            if sweep.seeds < MOST_SEEDS and grid.run(more, "more seeds, to tell the loss drop from its noise"):
                continue
            return
        above = sweep.point(grid_lr(best + 1))
        wanted = {best} | ({best + 1} if above is not None and any(above.infeasible) else set())
        if len(sweep.best.runs if sweep.best else ()) >= len(plan.seeds):
            wanted |= {grid_index(lr) for lr in worth_more_seeds(sweep, WORTH_SEEDS)}
        places = {(index, seed) for index in wanted for seed in plan.seeds}
        raced = {best - 1, best + 1} - set(grid.indices)
        raced |= set() if (between := _between_edge(sweep)) is None or not plan.effort.edge else {between}
        if not grid.run(places, PURPOSE, raced=raced, beside=_own_seeds(grid, plan, sweep)):
            return
        if len(grid) == known:
            return


def _own_seeds(grid: Grid, plan: Plan, sweep: LearningRateSweep) -> list[Trial]:
    """Return the user's own setting on all seeds where the first says that it will take them."""
    own = _own(plan, plan.seed, sweep.stop_loss)
    if own is None:
        return []
    run, point = grid.beside(own), sweep.point(own.lr)
    score = run.score if run is not None else point.runs[0].score if point is not None else None
    best = sweep.best.runs[0].score if sweep.best is not None else None
    near = score is not None and best is not None and abs(score - best) <= SUFFERING_SHARE * sweep.drop.value
    return [] if near and not plan.closely else [replace(own, seed=seed) for seed in plan.seeds]


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
