"""The scheduler of a set of settings: a warmup, then the schedule that the user has today."""

from typing import Final

from trainsense.records.plan import Subject
from trainsense.records.settings import Settings

SCHEDULER: Final = "torch.optim.lr_scheduler.LambdaLR"
ON_TOP: Final = "  # the warmup comes on top"
"""Behind a number of steps."""


def scheduler_name(settings: Settings, subject: Subject) -> str:
    """Return the name that `scheduler_lines` gives the scheduler; empty where none is needed."""
    if settings.warmup_steps:
        return "warmup"
    return "" if subject.schedule == "constant" else "scheduler"


def scheduler_lines(settings: Settings, subject: Subject, total_steps: str) -> list[str]:
    """Return the lines that build the scheduler on `optimizer`, to be stepped after every optimizer step.

    At step t, counted from 0, a warmup of w steps gives the share (t + 1) / w of the schedule's first factor; the
    schedule starts after it (`trainsense.workload.schedule.factors`, PROTOCOL 5).

    Args:
        settings: with the length of the warmup, 0 without.
        subject: with the schedule's name; `own` is the user's function `schedule`.
        total_steps: expression for the steps of the schedule, warmup not counted.
    """
    name, kind = scheduler_name(settings, subject), subject.schedule
    if name == "warmup":
        lines = [f"warmup_steps = {settings.warmup_steps}"]
        if kind == "constant":
            factor = "lambda step: min(1.0, (step + 1) / warmup_steps)"
        else:
            factor = "factor"
            lines += _warmup_before(kind, total_steps)
        return [*lines, f"warmup = {SCHEDULER}(optimizer, {factor})"]
    if not name:
        return []
    factor = "schedule" if kind == "own" else f"lambda step: {_factor(kind, 'step', total_steps)}"
    return [f"scheduler = {SCHEDULER}(optimizer, {factor})"]


def imports(code: list[str]) -> list[str]:
    """Return the import that `code` needs, but for torch's.

    >>> imports(["factor = math.sqrt(2)"]), imports(["factor = 1"])
    (['import math'], [])
    """
    return ["import math"] if any("math." in line for line in code) else []


def _warmup_before(kind: str, total_steps: str) -> list[str]:
    of_first = " * schedule(0)" if kind == "own" else ""
    today = (
        "today's scheduler; schedule(step) is its factor on the lr" if kind == "own" else f"today's {kind} scheduler"
    )
    return [
        f"# in place of {today}",
        "def factor(step):",
        "    if step < warmup_steps:",
        f"        return (step + 1) / warmup_steps{of_first}",
        f"    return {_factor(kind, 'step - warmup_steps', total_steps)}",
        "",
    ]


def _factor(kind: str, step: str, total: str) -> str:
    """Return the factor of `trainsense.records.schedule` at `step` of `total` steps, as an expression."""
    of = f"({step})" if " " in step else step
    return {
        "linear": f"max(0.0, 1.0 - {of} / {total})",
        "cosine": f"0.5 * (1.0 + math.cos(math.pi * min({step}, {total}) / {total}))",
        "inverse-sqrt": f"1.0 / math.sqrt({step} + 1)",
        "own": f"schedule({step})",
    }[kind]
