"""Attention logits grow without bound at your learning rate.

## What it checks
The largest absolute attention logit on the probe batches, every 5 % of a run at your own setting.

## How it is decided
It ends above 100 and at more than 5 times its start. Above 1,000 a warning; above 10,000, or where your setting fails, an
error; else a note.

## What to try
QK-norm (normalise queries and keys), a lower learning rate, weight decay on the query and key projections.

## References
Wortsman et al. 2023, "Small-scale proxies for large-scale Transformer training instabilities": logits past 10,000 always
went with divergence, QK-norm removes the growth. PROTOCOL 9.
"""

from typing import Final

import numpy as np

from trainsense.records.evidence import UserSetting
from trainsense.records.finding import Finding, Judgement, Passed, Severity

RULE = "attention-logits-growing"
NOTED: Final = 100.0
"""Worth knowing (Wortsman et al. 2023)."""
ACTED_ON: Final = 1000.0
"""Act (PROTOCOL 9)."""
ALWAYS_DIVERGED: Final = 10_000.0
"""All runs of Wortsman et al. that passed it diverged."""
GROWTH: Final = 5.0
"""Times the start; a model that starts high is not growing."""


def judge(user: UserSetting) -> Judgement:
    """Judge the attention logits of the user's runs."""
    looked = [_first_and_last(run.run.trace.attention_logit) for run in user.runs]
    seen = [figures for figures in looked if figures is not None]
    if not seen:
        return Passed(rule=RULE, text="no attention was seen")
    first, last = (float(np.median(column)) for column in zip(*seen, strict=True))
    if last <= NOTED or last <= GROWTH * first:
        return Passed(rule=RULE, text=f"the largest attention logit ends at {last:.3g}")
    severity: Severity = "note"
    if last > ACTED_ON:
        severity = "error" if last > ALWAYS_DIVERGED or user.fails else "warning"
    return Finding(
        rule=RULE,
        severity=severity,
        title=f"The largest attention logit grows from {first:.3g} to {last:.3g} at your lr {user.lr:.3g}",
        detail="Attention then looks at a single position and its gradient vanishes. QK-norm removes the growth; a lower "
        "learning rate slows it.",
        evidence={"first": first, "last": last, "runs": len(seen)},
        fixes=("qk-norm", "lower-lr"),
    )


def _first_and_last(logits: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, float] | None:
    measured = logits[np.isfinite(logits)]
    return (float(measured[0]), float(measured[-1])) if measured.size > 1 else None
