"""What the two reports took."""

from typing import Final

from trainsense.compare.figures.kind import Decision, Kind, direction, same, value_of
from trainsense.records.report import Report
from trainsense.records.report_comparison import ComparedFigure, Reading

TRIALS: Final = Kind(name="trials", title="trials")
STEPS: Final = Kind(name="steps", title="steps")
SECONDS: Final = Kind(name="seconds", title="seconds")

SPEED_BY_CHANCE: Final = 2.0
"""Ratio up to which two times are the same: on a machine that does other things beside, sweeps of 1096 equal steps took 1.5
to 3.1 s."""


def compare_cost(base: Report, new: Report) -> tuple[ComparedFigure, ...]:
    """Return what became of trials, steps and seconds: facts about the two runs, no judgement of the workload."""
    return (
        TRIALS.compared(Reading(value=base.cost.trials), Reading(value=new.cost.trials), _counted),
        STEPS.compared(Reading(value=base.cost.steps), Reading(value=new.cost.steps), _counted),
        SECONDS.compared(Reading(value=base.cost.seconds), Reading(value=new.cost.seconds), _timed),
    )


def _counted(base: Reading, new: Reading) -> Decision:
    if base.value == new.value:
        return same("the same number")
    return Decision(verdict=direction(base, new), reason="counted")


def _timed(base: Reading, new: Reading) -> Decision:
    low, high = sorted((value_of(base), value_of(new)))
    if high <= SPEED_BY_CHANCE * low or low == high:
        return same("times within 2x may be the machine's")
    return Decision(verdict=direction(base, new), reason="more than 2x apart")
