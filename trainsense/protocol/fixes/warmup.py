"""`warmup`: a linear warmup in front of the schedule, at the learning rates that it makes possible (PROTOCOL 5)."""

from collections.abc import Sequence
from typing import Final

from trainsense.measure.warmup_limits import longest_allowed
from trainsense.protocol.fixes.common_ground import CommonGround
from trainsense.protocol.fixes.screening import climb
from trainsense.records.evidence import Arm
from trainsense.records.settings import Settings

FIX: Final = "warmup"
SHARES: Final = (1 / 3, 0.1)
"""Lengths tried, as shares of the horizon, the likelier to work first; the shortest that does as well is taken."""


def screen(ground: CommonGround, arms: Sequence[Arm]) -> list[Arm]:  # noqa: ARG001 - all screens share one signature
    """Return an arm per warmup length; a first look takes the longest alone."""
    longest = longest_allowed(ground.plan)[0]
    lengths = {min(longest, max(1, round(share * ground.plan.horizon))) for share in SHARES}
    tried = sorted(lengths, reverse=True)[: None if ground.adopts else 1]
    variants = [
        Settings(lr=ground.control.lr, warmup_steps=length, clip_norm=ground.control.clip_norm) for length in tried
    ]
    return [arm for variant in variants if (arm := climb(ground, FIX, variant)) is not None]
