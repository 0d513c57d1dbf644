"""`clip-and-warmup`: the chosen threshold and the chosen warmup together (PROTOCOL 5.5)."""

from collections.abc import Sequence
from typing import Final

from trainsense.measure.grid import grid_index
from trainsense.protocol.fixes import clip_grad_norm, warmup
from trainsense.protocol.fixes.common_ground import CommonGround
from trainsense.protocol.fixes.screening import chosen, climb
from trainsense.records.evidence import Arm
from trainsense.records.settings import Settings

FIX: Final = "clip-and-warmup"


def screen(ground: CommonGround, arms: Sequence[Arm]) -> list[Arm]:
    """Return one arm, from the larger of the two learning rates on up; none where either alone was not screened."""
    clip = chosen([arm for arm in arms if arm.fix == clip_grad_norm.FIX])
    ramp = chosen([arm for arm in arms if arm.fix == warmup.FIX])
    if clip is None or ramp is None or not ground.adopts:
        return []
    highest = max(clip.settings.lr, ramp.settings.lr, ground.lr_above(1))
    variant = Settings(lr=highest, warmup_steps=ramp.settings.warmup_steps, clip_norm=clip.settings.clip_norm)
    first = grid_index(highest) - grid_index(ground.control.lr)
    arm = climb(ground, FIX, variant, first=first)
    return [] if arm is None else [clip_grad_norm.checked(arm, adaptive=ground.plan.subject.adaptive)]
