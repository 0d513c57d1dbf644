"""Weight decay or a penalty in the loss outweighs what the data asks for.

## What it checks
TODO

## How it is decided
TODO

## What to try
TODO

## References
TODO
"""

from trainsense.records.evidence import RegularizationCheck
from trainsense.records.finding import Judgement, Passed

RULE = "over-regularized"


def judge(check: RegularizationCheck) -> Judgement:
    """Judge."""
    return Passed(rule=RULE, text=str(check))
