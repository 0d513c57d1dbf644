"""Training becomes unstable in its first steps.

## What it checks
Runs at your own learning rate and at 2, 5 and 10 times the best one, evaluated at every step on a fixed set of training
batches, so that a rise is a real rise and not batch noise.

## How it is decided
An event is a rise of more than 15 % of the loss drop above the running minimum (and more than 1.5 times what runs well
below the best learning rate show), a spike, a divergence, or a model that comes to ignore its inputs. It is early when it
begins within the first 20 steps, the warmup or 5 % of the run, or before a fifth of the drop was reached. A note by
itself; a warning when a stabilising fix, tried, makes a larger learning rate pay; an error when your own setting suffers.

## What to try
Warmup first, then gradient clipping, then the architecture; the lower learning rate is what each has to beat.

## References
Deep Learning Tuning Playbook, figures 4 to 8; PROTOCOL 1 and 3.
"""

from trainsense.records.evidence import FixesTried, InstabilityCheck, LearningRateSweep, UserSetting
from trainsense.records.finding import Judgement
from trainsense.rules.instability_finding import judge_kind

RULE = "early-instability"


def judge(
    sweep: LearningRateSweep,
    instability: InstabilityCheck | None,
    user: UserSetting | None,
    tried: FixesTried | None,
) -> Judgement:
    """Judge the early events."""
    return judge_kind(RULE, "early", sweep, instability, user, tried, fixes=("warmup", "clip-grad-norm", "lower-lr"))
