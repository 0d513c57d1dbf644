"""What a fix costs, in a sentence."""

from typing import Final

import numpy as np

from trainsense.measure.gradient_norms import clipped_fractions
from trainsense.records.evidence import Arm
from trainsense.records.plan import Plan

STATE: Final = {"SGD": 1, "RMSprop": 1, "Adam": 2, "AdamW": 2, "NAdam": 2}
"""Numbers that each named optimizer keeps per parameter."""


def price_of(arm: Arm, plan: Plan) -> str:
    """Return the price of an arm: more steps, more memory, clipped updates.

    A warmup is prepended to the run (PROTOCOL 5.3), so that it costs its length.
    """
    parts = [_steps(arm.settings.warmup_steps, plan) if arm.settings.warmup_steps else "no extra steps"]
    if arm.settings.clip_norm is not None and arm.settings.clip_norm != plan.subject.clip_norm:
        runs = arm.runs or ((arm.screening,) if arm.screening else ())
        if runs:
            fraction = float(np.mean([clipped_fractions(run.trace)[0] for run in runs]))
            parts.append(f"{fraction:.0%} of the updates are clipped")
    if arm.settings.optimizer is not None:
        count = STATE[arm.settings.optimizer]
        parts.append(f"{arm.settings.optimizer} keeps {count} {'number' if count == 1 else 'numbers'} per parameter")
    return "; ".join(parts)


def _steps(warmup: int, plan: Plan) -> str:
    planned = plan.subject.max_train_steps
    if planned is None:
        return f"{warmup} more steps, the warmup, in front of the run"
    return f"{warmup} more steps, {warmup / planned:.1%} of your {planned:,}"
