"""`Comparison`: two settings on the same seeds and batches, decided as PROTOCOL 6 says."""

from dataclasses import dataclass
from typing import Literal

ComparisonStatus = Literal["verified", "rejected", "inconclusive"]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Paired effect of a setting against a baseline, as shares of the loss drop D.

    Attributes:
        pairs: number of seeds on which both were run.
        mean: mean effect `(S_baseline - S_setting) / D`; above 0 is a gain.
        low: lower end of the 95 % Student t interval; `-inf` with fewer than two pairs.
        high: upper end; `inf` with fewer than two pairs.
        margin: the practical margin that the mean has to pass.
        sign_flip_p: one-sided sign-flip p value; shown, gates nothing.
        baseline_loss: mean score of the baseline, infeasible seeds counted at L0.
        loss: mean score of the setting, likewise.
        status: `verified`, `rejected` or `inconclusive`.
    """

    pairs: int
    mean: float
    low: float
    high: float
    margin: float
    sign_flip_p: float
    baseline_loss: float
    loss: float
    status: ComparisonStatus
