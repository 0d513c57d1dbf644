"""Your learning rate is too low for this workload.

## What it checks
Your own setting against the best learning rate of the sweep, on the same seeds and batches, at the same number of steps.

## How it is decided
Your learning rate ends more than 10 % of the loss drop above the best, lies below the range that cannot be told from the
best, and the paired interval is above zero. From 50 % on an error, else a warning. Where the gap is closing as training
goes on and the real run is longer than the trials, it is a note: a low learning rate may be right for a long run.

## What to try
The higher learning rate; give `max_train_steps`, so that the report can say what holds at your length.

## References
PROTOCOL 2.6 and 2.7.
"""

from trainsense.records.evidence import LearningRateSweep, Stabilisation, UserSetting
from trainsense.records.finding import Judgement
from trainsense.rules.lr_finding import Side, judge_side

RULE = "lr-too-low"


def judge(sweep: LearningRateSweep, user: UserSetting, tried: Stabilisation | None) -> Judgement:
    """Judge the user's lr from below."""
    return judge_side(RULE, Side.BELOW, sweep, user, tried, fixes=("raise-lr",))
