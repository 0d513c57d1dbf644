"""What each stage boils its runs down to; rules judge these and nothing else."""

from trainsense.records.evidence.architecture import (
    Architecture,
    NormBatch,
    PlainStack,
    ResidualSum,
    total_growth,
)
from trainsense.records.evidence.clip import ClipAttempt, ClipChoice, NormPercentiles
from trainsense.records.evidence.fixes_tried import Arm, FixesTried, Prepended
from trainsense.records.evidence.instability import Event, InstabilityCheck, InstabilityRun
from trainsense.records.evidence.layers import LayerReading, LayerSnapshot, LayerStatistics
from trainsense.records.evidence.missing import Missing
from trainsense.records.evidence.setup import Setup
from trainsense.records.evidence.sweep import Drop, LearningRateSweep, SweepPoint
from trainsense.records.evidence.user_setting import UserSetting
from trainsense.records.evidence.warm_start import WarmStart
from trainsense.records.evidence.warmup import WarmupAttempt, WarmupSweep

Evidence = (
    Setup
    | WarmStart
    | LayerStatistics
    | Architecture
    | Missing
    | LearningRateSweep
    | UserSetting
    | InstabilityCheck
    | ClipChoice
    | WarmupSweep
    | FixesTried
)

__all__ = [
    "Architecture",
    "Arm",
    "ClipAttempt",
    "ClipChoice",
    "Drop",
    "Event",
    "Evidence",
    "FixesTried",
    "InstabilityCheck",
    "InstabilityRun",
    "LayerReading",
    "LayerSnapshot",
    "LayerStatistics",
    "LearningRateSweep",
    "Missing",
    "NormBatch",
    "NormPercentiles",
    "PlainStack",
    "Prepended",
    "ResidualSum",
    "Setup",
    "SweepPoint",
    "UserSetting",
    "WarmStart",
    "WarmupAttempt",
    "WarmupSweep",
    "total_growth",
]
