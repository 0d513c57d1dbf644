"""How long a warmup may be (PROTOCOL 5.2)."""

from typing import Final

from trainsense.records.plan import Plan

LARGEST_WARMUP_SHARE: Final = 0.1
"""The longest warmup as a share of `max_train_steps` (PROTOCOL 5.2)."""


def longest_allowed(plan: Plan) -> tuple[int, str]:
    """Return the longest warmup allowed, in steps, and why."""
    planned = plan.subject.max_train_steps
    if planned is None:
        return plan.horizon, f"the horizon of {plan.horizon} steps, since max_train_steps is not known"
    longest = max(1, int(LARGEST_WARMUP_SHARE * planned))
    if longest > plan.horizon:
        return plan.horizon, f"the horizon of {plan.horizon} steps"
    return longest, f"10 % of the planned {planned} steps"
