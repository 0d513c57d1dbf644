"""`Fix`: a change of trial that was tried against the baseline."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from trainsense.records.settings import Settings

FixStatus = Literal["verified", "rejected", "inconclusive", "untested"]
SHARE_OF_DROP = "share of the loss drop"

FIX_NAMES: Final = (
    "lower-lr",
    "raise-lr",
    "clip-grad-norm",
    "warmup",
    "clip-and-warmup",
    "change-optimizer",
    "decay-lr",
    "warm-restart",
    "larger-batch",
    "smaller-batch",
    "gradient-noise",
    "reinitialize",
    "zero-init-residual",
    "pre-norm",
    "add-normalization",
    "add-residual",
    "replace-activation",
    "normalize-inputs",
    "remove-softmax",
    "optimize-all-parameters",
    "qk-norm",
    "z-loss",
)
"""The names that fixes carry (CONTRACT 5), those of later versions included."""


@dataclass(frozen=True, kw_only=True)
class Improvement:
    """Gain over the baseline with its 95 % interval, as a share of the loss drop D; infinite ends are unknown."""

    mean: float
    low: float
    high: float
    unit: str = SHARE_OF_DROP


@dataclass(frozen=True, kw_only=True)
class Fix:
    """One fix and what trying it showed.

    Args:
        fix: its name (CONTRACT 5).
        title: one line.
        status: `verified` only after at least five fresh pairs with the interval above the margin (PROTOCOL 6).
        settings: what was tried, or what is advised where nothing was.
        baseline_loss: the baseline's mean score on the same seeds, None if untested.
        loss: the fix's mean score, None if untested.
        improvement: the paired gain, None if untested.
        seeds: number of pairs behind it.
        code: lines to paste, by framework: `pytorch`, `lightning`, `transformers`.
        reason: why the status is what it is, where the numbers do not say it: why a fix is untested, say; a sentence.
        price: what it costs, as a sentence.
    """

    fix: str
    title: str
    status: FixStatus
    settings: Settings
    baseline_loss: float | None = None
    loss: float | None = None
    improvement: Improvement | None = None
    seeds: int = 0
    code: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    price: str = ""
