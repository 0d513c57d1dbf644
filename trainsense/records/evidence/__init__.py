"""What each stage boils its runs down to; rules judge these and nothing else."""

from trainsense.records.evidence.clip import ClipAttempt, ClipChoice, NormPercentiles
from trainsense.records.evidence.fixes_tried import Arm, FixesTried, Prepended
from trainsense.records.evidence.instability import Event, InstabilityCheck, InstabilityRun
from trainsense.records.evidence.layers import LayerReading, LayerSnapshot, LayerStatistics
from trainsense.records.evidence.loss_terms import Broadcast, Labels, Limits, LossTerm, LossTerms
from trainsense.records.evidence.missing import Missing
from trainsense.records.evidence.parameters import GradientSeen, ParameterCheck, ParameterUse, UnregisteredParameter
from trainsense.records.evidence.regularization import Pull, PullKind, RegularizationCheck
from trainsense.records.evidence.setup import Setup
from trainsense.records.evidence.sweep import Drop, LearningRateSweep, SweepPoint
from trainsense.records.evidence.user_setting import UserSetting
from trainsense.records.evidence.warm_start import WarmStart
from trainsense.records.evidence.warmup import WarmupAttempt, WarmupSweep

Evidence = (
    Setup
    | WarmStart
    | LayerStatistics
    | ParameterCheck
    | RegularizationCheck
    | LossTerms
    | Missing
    | LearningRateSweep
    | UserSetting
    | InstabilityCheck
    | ClipChoice
    | WarmupSweep
    | FixesTried
)

__all__ = [
    "Arm",
    "Broadcast",
    "ClipAttempt",
    "ClipChoice",
    "Drop",
    "Event",
    "Evidence",
    "FixesTried",
    "GradientSeen",
    "InstabilityCheck",
    "InstabilityRun",
    "Labels",
    "LayerReading",
    "LayerSnapshot",
    "LayerStatistics",
    "LearningRateSweep",
    "Limits",
    "LossTerm",
    "LossTerms",
    "Missing",
    "NormPercentiles",
    "ParameterCheck",
    "ParameterUse",
    "Prepended",
    "Pull",
    "PullKind",
    "RegularizationCheck",
    "Setup",
    "SweepPoint",
    "UnregisteredParameter",
    "UserSetting",
    "WarmStart",
    "WarmupAttempt",
    "WarmupSweep",
]
