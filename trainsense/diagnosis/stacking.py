"""Where trials are stacked, and what the report says of it."""

from typing import Final

from trainsense.executors.interface import Executor
from trainsense.executors.stacked import Stacked
from trainsense.runners.bench import Bench

AS_ASKED_FOR: Final = "stacked, as asked for"
WORTH_SPEEDUP: Final = 1.2
"""A stack is used where it is so many times as fast: less would be lost to its set-up, and to wrong measurements."""
WORTH_SECONDS: Final = 2.0
"""Work of trials of one kind, one after another, from which it is worth finding out: the first stack of a process takes up to
a second longer (measured on one core: torch reads its decompositions, and a few steps are rehearsed)."""


def stacked_where_it_pays(bench: Bench, otherwise: Executor, step_seconds: float, *, compiles: bool = False) -> Stacked:
    """Return the engine that measures whether stacks are faster than `otherwise`.

    Args:
        bench: the workload on its device.
        otherwise: trains each trial by itself.
        step_seconds: time of a step of the loop.
        compiles: whether torch may compile the stacks.
    """
    return Stacked(
        bench,
        otherwise,
        least_speedup=WORTH_SPEEDUP * otherwise.pace,
        step_seconds=step_seconds,
        least_seconds=WORTH_SECONDS,
        compiles=compiles,
    )


def stacking_text(engine: Stacked, why: str) -> str:
    """Return how trials were run, and why so: a sentence for the report.

    Args:
        engine: after it ran them.
        why: that of the engine that runs what is not stacked.
    """
    findings = engine.findings
    if not engine.used:
        return "; ".join(part for part in (why, findings) if part)
    others = "" if why == AS_ASKED_FOR else f"; what is not stacked: {why}"
    return f"{'stacked' if others else why}: {findings}{others}"
