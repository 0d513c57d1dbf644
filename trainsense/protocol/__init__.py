"""The experiments: each stage plans trials, has the lab run them and boils the runs down to evidence.

What comes before any trial is no stage: the first look (check_setup) and preflight.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from trainsense.protocol.check_instability import check_instability
from trainsense.protocol.interface import Stage
from trainsense.protocol.pick_clip import pick_clip
from trainsense.protocol.sweep_lr import sweep_lr
from trainsense.protocol.sweep_warmup import sweep_warmup
from trainsense.protocol.try_fixes import try_fixes
from trainsense.protocol.user_setting import user_setting
from trainsense.records.request import Command

SWEEP: Final = Stage(title="learning-rate sweep", run=sweep_lr)
USER: Final = Stage(title="your own setting", run=user_setting)
INSTABILITY: Final = Stage(title="instability above the best learning rate", run=check_instability)
FIXES: Final = Stage(title="fixes, tried", run=try_fixes)
CLIP: Final = Stage(title="gradient clipping", run=pick_clip)
WARMUP: Final = Stage(title="warmup sweep", run=sweep_warmup)

ESSENTIAL_STAGES: Final[Mapping[Command, tuple[Stage, ...]]] = MappingProxyType(
    {
        "preflight": (),
        "sweep-lr": (SWEEP, USER),
        "check-instability": (SWEEP, USER, INSTABILITY, FIXES),
        "pick-clip": (SWEEP, USER, CLIP),
        "sweep-warmup": (SWEEP, USER, INSTABILITY, WARMUP),
        "diagnose": (SWEEP, USER, INSTABILITY, FIXES),
    }
)
"""What each command runs first, at little effort; what comes after repeats no trial."""

REFINED_STAGES: Final[Mapping[Command, tuple[Stage, ...]]] = MappingProxyType(
    {
        **ESSENTIAL_STAGES,
        "check-instability": (SWEEP, USER, FIXES, INSTABILITY),
        "diagnose": (SWEEP, USER, FIXES, INSTABILITY, CLIP, WARMUP),
    }
)
"""What each command runs next, in full: the fix that the essentials called for is verified before more is looked at."""

ALL_STAGES: Final[Mapping[Command, tuple[Stage, ...]]] = MappingProxyType(
    {**ESSENTIAL_STAGES, "diagnose": (SWEEP, USER, INSTABILITY, FIXES, CLIP, WARMUP)}
)
"""What each command runs last, with the whole grid and all that the stages before have found."""

__all__ = ["ALL_STAGES", "ESSENTIAL_STAGES", "REFINED_STAGES", "Stage"]
