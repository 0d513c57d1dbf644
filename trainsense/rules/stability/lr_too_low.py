"""Your learning rate is too low for this workload.

## What it checks
Your own setting against the best learning rate of the sweep, on the same seeds and batches, at the same number of steps.

## How it is decided
Your learning rate ends more than 10 % of the loss drop above the best, lies below the range that cannot be told from the
best, and the paired interval is above zero. From 50 % on an error, else a warning. It is a note where the real run
leaves time to catch up (the horizon times lr*/lr, within 30 % of `max_train_steps`), or, below 50 %, where the gap is closing
and the length of the run is not known: a low learning rate may be right for a long run.

## What to try
The higher learning rate; give `max_train_steps`, so that the report can say what holds at your length.

## References
PROTOCOL 2.6 and 2.7.
"""

from trainsense.records.evidence import FixesTried, LearningRateSweep, UserSetting
from trainsense.records.finding import Judgement
from trainsense.rules.lr_finding import Side, judge_side

RULE = "lr-too-low"


def judge(sweep: LearningRateSweep, user: UserSetting, tried: FixesTried | None) -> Judgement:
    """Judge the user's lr from below."""
    return judge_side(RULE, Side.BELOW, sweep, user, tried, fixes=("raise-lr",))
