"""`change-optimizer`: another optimizer, at its own best learning rate from a short sweep."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from trainsense.measure.grid import grid_index, grid_lr
from trainsense.measure.paired import PRACTICAL_MARGIN
from trainsense.protocol.fixes.common_ground import CommonGround
from trainsense.protocol.fixes.screening import arm_of, neighbours, promising, short_sweep
from trainsense.records.evidence import Arm
from trainsense.records.plan import Subject
from trainsense.records.settings import OPTIMIZERS, Settings

FIX: Final = "change-optimizer"
ADAPTIVE: Final = ("Adam", "AdamW", "NAdam", "RMSprop")
"""One family: what is the best learning rate of one lies within a grid point or two of that of the others."""


def screen(ground: CommonGround, arms: Sequence[Arm]) -> list[Arm]:  # noqa: ARG001 - all screens share one signature
    """Return an arm per optimizer.

    The other family first, by its first member; its siblings only where that one pays. Those of the user's own family
    start from lr*, where the user's own optimizer does best.
    """
    subject = ground.plan.subject
    wanted = [name for name in OPTIMIZERS if not is_own(name, subject)]
    found: list[Arm] = []
    lead = _lead(subject)
    if lead in wanted:
        arm = short_sweep(ground, FIX, _variant(ground, lead))
        found += [] if arm is None else [arm]
    if lead == "Adam" and found and not _worth_its_family(ground, found[0]):
        return found
    start = found[0].settings.lr if lead == "Adam" and found else ground.control.lr
    for name in wanted:
        if name in ADAPTIVE and name != lead:
            ahead = max((arm.screened_gain or 0.0 for arm in found), default=0.0)
            found += _sibling(ground, _variant(ground, name), start, ahead)
    return found


def _worth_its_family(ground: CommonGround, arm: Arm) -> bool:
    """Whether the first of a family pays, and comes close enough to what is verified for a sibling to beat that."""
    return promising(arm) and (arm.screened_gain or 0.0) > ground.to_beat - PRACTICAL_MARGIN


def is_own(name: str, subject: Subject) -> bool:
    """Return whether the user trains with this optimizer already.

    >>> is_own("SGD", Subject(optimizer="SGD", optimizer_code="torch.optim.SGD({parameters}, lr=lr)"))
    False
    """
    plain = subject.optimizer_code and "momentum=" not in subject.optimizer_code
    return name == subject.optimizer and not (name == "SGD" and plain)


def _lead(subject: Subject) -> str:
    return "SGD" if subject.adaptive else "Adam"


def _variant(ground: CommonGround, name: str) -> Settings:
    return Settings(lr=ground.control.lr, clip_norm=ground.control.clip_norm, optimizer=name)


def _sibling(ground: CommonGround, variant: Settings, lr: float, to_beat: float) -> list[Arm]:
    """Screen at the best learning rate of its family, and beside it if it does better there than the family so far."""
    at = grid_lr(grid_index(lr))
    run = ground.screen(replace(variant, lr=at), f"short sweep under {FIX}")
    if run is None:
        return []
    ahead = (ground.gain(run) or 0.0) > to_beat
    arm = neighbours(ground, FIX, variant, {at: run}) if ahead else arm_of(ground, FIX, variant, {at: run})
    return [] if arm is None else [arm]
