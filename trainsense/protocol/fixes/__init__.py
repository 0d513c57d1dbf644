"""The fixes that are tried, one a file: each is screened over learning rates, the promising are adopted on fresh pairs."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from trainsense.protocol.fixes import change_optimizer, clip_and_warmup, clip_grad_norm, model_edit, warmup
from trainsense.protocol.fixes.common_ground import CommonGround
from trainsense.records.evidence import Arm

Screen = Callable[[CommonGround, Sequence[Arm]], list[Arm]]
"""Screens the variants of one fix, given what was screened before, and returns one arm per variant."""

STABILISERS: Final[Mapping[str, Screen]] = MappingProxyType(
    {module.FIX: module.screen for module in (warmup, clip_grad_norm, clip_and_warmup)}
)
"""What lets a larger learning rate train, in the playbook's order (PROTOCOL 5)."""

OTHERS: Final[tuple[Screen, ...]] = (change_optimizer.screen, model_edit.screen)
"""What comes after them (PROTOCOL 5): more to change, and more to try."""

__all__ = ["OTHERS", "STABILISERS", "CommonGround", "Screen"]
