"""What each stage boils its runs down to; rules judge these and nothing else."""

from trainsense.records.evidence.architecture import (
    Architecture,
    NormBatch,
    PlainStack,
    ResidualSum,
    total_growth,
)
from trainsense.records.evidence.batch_overfit import BatchOverfit, OverfitAttempt, Uphill
from trainsense.records.evidence.clip import ClipAttempt, ClipChoice, NormPercentiles
from trainsense.records.evidence.constant_output import ConstantOutput, FlatOperation
from trainsense.records.evidence.example_dependence import ExampleDependence
from trainsense.records.evidence.fixes_tried import Arm, FixesTried, Prepended
from trainsense.records.evidence.inner_softmax import InnerSoftmax, NormalisedInput
from trainsense.records.evidence.input_dependence import InputDependence
from trainsense.records.evidence.input_scales import EntryScale, FeatureScale, InputScales
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
    | InnerSoftmax
    | InputScales
    | ConstantOutput
    | InputDependence
    | ExampleDependence
    | BatchOverfit
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
    "BatchOverfit",
    "Broadcast",
    "ClipAttempt",
    "ClipChoice",
    "ConstantOutput",
    "Drop",
    "EntryScale",
    "Event",
    "Evidence",
    "ExampleDependence",
    "FeatureScale",
    "FixesTried",
    "FlatOperation",
    "GradientSeen",
    "InnerSoftmax",
    "InputDependence",
    "InputScales",
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
    "NormBatch",
    "NormPercentiles",
    "NormalisedInput",
    "OverfitAttempt",
    "ParameterCheck",
    "ParameterUse",
    "PlainStack",
    "Prepended",
    "Pull",
    "PullKind",
    "RegularizationCheck",
    "ResidualSum",
    "Setup",
    "SweepPoint",
    "UnregisteredParameter",
    "Uphill",
    "UserSetting",
    "WarmStart",
    "WarmupAttempt",
    "WarmupSweep",
    "total_growth",
]
