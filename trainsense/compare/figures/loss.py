"""The loss at lr*, and at the user's own setting: comparable only after as many steps, and on one scale."""

from collections.abc import Callable
from typing import Final

from trainsense.compare.figures.kind import Decision, Kind, not_comparable
from trainsense.compare.figures.loss_scale import one_scale
from trainsense.compare.figures.scores import Scores, decide, reading_of, scores_of
from trainsense.compare.figures.sweep import Sweep
from trainsense.records.report import Report
from trainsense.records.report_comparison import ComparedFigure
from trainsense.reporters.numbers import number_text

INTERVAL: Final = "95% Student t over seeds"
AT_BEST: Final = Kind(name="loss", title="loss at best lr", interval=INTERVAL)
AT_USERS: Final = Kind(name="loss_at_user_setting", title="loss at your lr", interval=INTERVAL)

Take = Callable[[Sweep, float | None], Scores | None]


def compare_loss(base: Report, new: Report, before: Sweep | None, after: Sweep | None) -> ComparedFigure:
    """Return what became of the loss at lr*."""
    return _compare(AT_BEST, before, after, _at_best, one_content=_one_content(base, new))


def compare_user_loss(base: Report, new: Report, before: Sweep | None, after: Sweep | None) -> ComparedFigure:
    """Return what became of the loss at the user's own setting."""
    return _compare(AT_USERS, before, after, _at_users, one_content=_one_content(base, new))


def _compare(kind: Kind, before: Sweep | None, after: Sweep | None, take: Take, *, one_content: bool) -> ComparedFigure:
    if before is None or after is None:
        left, right = (None if sweep is None else take(sweep, sweep.ceiling) for sweep in (before, after))
        return kind.compared(reading_of(left), reading_of(right), lambda _before, _after: not_comparable(""))
    alike = one_content or one_scale(before, after)
    ceilings = [before.ceiling, after.ceiling]
    if alike:  # one measure for what fails, so that two that fail are alike
        ceilings = [next((ceiling for ceiling in ceilings if ceiling is not None), None)] * 2
    left, right = take(before, ceilings[0]), take(after, ceilings[1])

    def decision(_before: object, _after: object) -> Decision:
        assert left is not None, "a reading of nothing"
        assert right is not None, "a reading of nothing"
        if before.horizon != after.horizon:
            told = f"{number_text(left.mean)} after {before.horizon} steps, {number_text(right.mean)} after {after.horizon}"
            return not_comparable(f"the horizons differ: {told}")
        if not alike:
            levels = f"{number_text(before.initial)} before training in BASE, {number_text(after.initial)} in NEW"
            return not_comparable(f"the losses are on different scales: {levels}")
        return decide(left, right, before.drop)

    return kind.compared(reading_of(left), reading_of(right), decision)


def _at_best(sweep: Sweep, ceiling: float | None) -> Scores | None:
    return None if sweep.best_lr is None else scores_of(sweep.best_lr, sweep.at(sweep.best_lr), ceiling)


def _at_users(sweep: Sweep, ceiling: float | None) -> Scores | None:
    return None if sweep.users_lr is None else scores_of(sweep.users_lr, sweep.users, ceiling)


def _one_content(base: Report, new: Report) -> bool:
    return bool(base.workload.fingerprint) and base.workload.fingerprint == new.workload.fingerprint
