"""The norm sits behind the residual sum, and little of the input gets past many such sums.

## What it checks
Where the norms of residual blocks sit: behind the sum, `Norm(x + f(x))` (post-norm, what `nn.TransformerEncoderLayer` does
unless `norm_first=True`), or before the branch, `x + f(Norm(x))` (pre-norm). It is read off the graph of the loss, so
blocks of any make are seen, and the size of what each branch adds is measured at initialisation.

## How it is decided
A note; a warning from 12 such sums in one stream, where the user's schedule has no warmup and either
- the network has forgotten its inputs after a short warm start at the user's learning rate: of what its last layer reads, a
  thousand times less differs between examples than at initialisation; or
- 10 % or less of the stream is left at the end, the warm start does not tell inputs apart yet, and the learning rate is above
  5e-4 or its steps are not adaptive. Each norm behind a sum divides the stream by what the branch has added to it, so a
  branch of size r, relative to the stream, leaves 1 / sqrt(1 + r^2) of it.

Measured on transformers without warmup, loss drop lost against pre-norm: 24 sums, 2 % left: all of it (Adam at 3e-3); 16
sums, 4 to 8 % left: all of it at 1e-2, 1 % at 3e-3; 12 sums, 19 % left: 2 % at 1e-2; 24 sums with torch's own small
initialisation, 47 % left: 3 % at 1e-2. Residual perceptrons (SGD): 12 sums, 0.2 % left: 20 % to all of it. What differs
between examples fell 2,000 times and more within 30 steps where training collapsed, 11 times at most where it went well.

## Measured
Named 2 of its 2 faults.
An error or a warning on 0 of 96 sound workloads, and beside 0 of 75 faults of another kind.
(`python -m tests.benchmarks.preflight_table`, on the labelled workloads in tests/labelled.)

## What to try
Pre-norm, `x + f(Norm(x))` with one norm behind the last block; or a warmup; or smaller branches at initialisation.

## References
Xiong et al. 2020, On layer normalization in the transformer architecture. Godbole et al. 2023, section on optimization
failures. PROTOCOL 5 and 9.
"""

import math
from typing import Final

from trainsense.records.evidence import Architecture, WarmStart
from trainsense.records.finding import Finding, Judgement, Passed
from trainsense.rules.learning import learns

RULE: Final = "post-norm-residual"
DEEP: Final = 12
"""Sums; with 8 and fewer nothing was lost at any lr (measured, see the page)."""
LITTLE_LEFT: Final = 0.1
"""Share of the stream; between 8 % (fails at high lrs) and 18 % (does not; measured, see the page)."""

GENTLE: Final = 5e-4
"""Learning rate of an optimizer with adaptive steps; 24 sums, 2 % left, trained without warmup at 1e-3 and failed at 2e-3 and
3e-3 (measured, at widths 32 and 64)."""
FORGOTTEN: Final = 1e-3
"""Of what differed between examples at initialisation; collapsed runs 5e-4 at most, runs that trained 0.09 at least, a slow
one 4e-3 to 9e-3 (measured, 24 sums, 30 steps)."""
LEARNT: Final = 0.05
"""Share of the best constant prediction's loss; transformers that go on to train lie 7 % below it after 30 steps, those that
collapse within 1 % (measured: 24 sums, Adam at 1e-3 and 3e-3)."""


def judge(architecture: Architecture, warm: WarmStart | None) -> Judgement:
    """Judge where the norms sit and what they leave."""
    sums = architecture.post_norm()
    if not sums:
        return Passed(rule=RULE, text=f"none of {len(architecture.sums)} residual sums has its norm behind it")
    left = 1.0 / math.prod(one.growth for one in sums)
    known = all(one.contribution is not None for one in sums)
    forgotten = _forgotten(architecture)
    if len(sums) >= DEEP and forgotten:
        excuse = _warmed_up(architecture)
    elif len(sums) >= DEEP and known and left <= LITTLE_LEFT:
        excuse = _warmed_up(architecture) or _trains(architecture, warm)
    else:
        excuse = _harmless(len(sums), left, known=known)
    return Finding(
        rule=RULE,
        severity="note" if excuse else "warning",
        title=f"{len(sums)} residual sums are normalised after the addition"
        + (
            ", and the inputs are soon forgotten"
            if forgotten and not excuse
            else f" and leave {left:.1%} of the input"
            if known
            else ""
        ),
        detail=f"Norm(x + f(x)) divides the stream by what the branch adds: after {len(sums)} such sums "
        + (f"{left:.2g} of what went in is left" if known else "less and less of what went in is left")
        + ", and the gradient that comes back by the shortcut shrinks alike, while the last blocks see large ones. "
        + (
            excuse
            or f"{_told(architecture) if forgotten else ''}"
            "Without a warmup such networks tend to forget their inputs in the first steps at learning rates that "
            "x + f(Norm(x)) trains well with. Put the norm before the branch, with one norm behind the last block, or warm "
            "the learning rate up."
        ),
        evidence={
            "post_norm_sums": len(sums),
            "share_of_input_left": left if known else None,
            "end_varying": architecture.stack.last_varying if architecture.stack else None,
            "end_varying_after_warm_start": architecture.warmed_varying,
            "warmup_steps": architecture.warmup_steps,
            "modules": [one.location.module for one in sums],
        },
        fixes=("pre-norm", "warmup"),
        locations=tuple(one.location for one in sums),
    )


def _forgotten(architecture: Architecture) -> bool:
    """Return whether the warm start has made all examples the same at the end of the network."""
    before = architecture.stack.last_varying if architecture.stack else None
    after = architecture.warmed_varying
    return before is not None and after is not None and after <= FORGOTTEN * before


def _told(architecture: Architecture) -> str:
    before = architecture.stack.last_varying if architecture.stack else None
    return (
        f"That has happened here: of what the last layer reads {before or 0:.2g} differs between examples at first and "
        f"{architecture.warmed_varying or 0:.1g} after a short warm start at your learning rate. "
    )


def _warmed_up(architecture: Architecture) -> str:
    if not architecture.warmup_steps:
        return ""
    return f"Your schedule warms up over {architecture.warmup_steps} steps, which is what such networks need."


def _trains(architecture: Architecture, warm: WarmStart | None) -> str:
    if warm is not None and warm.users and architecture.adaptive and warm.lr <= GENTLE:
        return f"At a learning rate as low as yours ({warm.lr:.2g}, adaptive steps) such networks train without one."
    return "At your learning rate a short warm start learns nonetheless." if learns(warm, LEARNT) else ""


def _harmless(count: int, left: float, *, known: bool) -> str:
    if known and count >= DEEP:
        return f"With branches this small ({left:.0%} left) such networks train as well as others."
    return (
        "In networks this shallow that costs nothing." if count < DEEP else "How large the branches are was not seen."
    )
