"""Your learning rate is too high for this workload.

## What it checks
Your own setting against the best learning rate of the sweep, on the same seeds and batches, at the same number of steps.

## How it is decided
Your learning rate fails (diverges, achieves less than half of the drop, or leaves a model that ignores its inputs), or
ends more than 10 % of the loss drop above the best, lies above the range that cannot be told from the best, and the paired
interval is above zero. From 50 % on, or where it fails, an error; else a warning.

## What to try
The lower learning rate; or a warmup or clipping, where the report shows that they make yours work.

## References
PROTOCOL 2.7.
"""

from trainsense.records.evidence import FixesTried, LearningRateSweep, UserSetting
from trainsense.records.finding import Judgement
from trainsense.rules.lr_finding import Side, judge_side

RULE = "lr-too-high"


def judge(sweep: LearningRateSweep, user: UserSetting, tried: FixesTried | None) -> Judgement:
    """Judge the user's lr from above."""
    return judge_side(RULE, Side.ABOVE, sweep, user, tried, fixes=("lower-lr", "warmup", "clip-grad-norm"))
