"""The model edits: `zero-init-residual`, `pre-norm`, `reinitialize`, `replace-activation`, `normalize-inputs`."""

from collections.abc import Sequence

from trainsense.protocol.fixes.common_ground import CommonGround
from trainsense.protocol.fixes.screening import short_sweep
from trainsense.records.evidence import Arm
from trainsense.records.settings import Settings


def screen(ground: CommonGround, arms: Sequence[Arm]) -> list[Arm]:  # noqa: ARG001 - all screens share one signature
    """Return an arm per edit that this model allows; a fix carries the edit's name."""
    found = []
    for survey in ground.plan.subject.edits:
        if survey.applicable:
            variant = Settings(lr=ground.control.lr, clip_norm=ground.control.clip_norm, edits=(survey.edit,))
            found.append(short_sweep(ground, survey.edit, variant))
    return [arm for arm in found if arm is not None]
