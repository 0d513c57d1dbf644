"""What a value must be beyond its type, wherever it was set."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from trainsense.cli.budget import parse_budget
from trainsense.cli.choice import check_choice, check_threshold
from trainsense.errors import OptionError
from trainsense.records.request import FEWEST_STEPS

ENGINES: Final = ("auto", "sequential", "stacked", "processes", "ray")
DEVICES: Final = ("auto", "cpu", "cuda", "mps")


def check_value(field: str, value: Any, called: str) -> None:
    """Raise unless the value of an option would do; what can only be told from files is not looked at.

    Args:
        field: the option's field, `fail_on`.
        value: of the option's type; None passes.
        called: what the user set, for the message: `--fail-on`.

    Raises:
        OptionError: the message names the option, what it was given and what would do.
    """
    check = CHECKS.get(field)
    if check is not None and value is not None:
        check(called, value)


def _positive(example: str) -> Callable[[str, float], None]:
    def check(called: str, value: float) -> None:
        if not math.isfinite(value) or value <= 0:
            msg = f"{called} {value:g} is no such number: it must be finite and above 0, for example {example}."
            raise OptionError(msg)

    return check


def _least(least: int, why: str) -> Callable[[str, int], None]:
    def check(called: str, value: int) -> None:
        if value < least:
            msg = f"{called} {value} is too small: it must be at least {least}, because {why}."
            raise OptionError(msg)

    return check


def _gpus(called: str, value: float) -> None:
    if not math.isfinite(value) or value < 0 or (value > 1 and not value.is_integer()):
        msg = f"{called} {value:g} is no such number: it must be from 0 to 1, for a share of a GPU, or a whole number."
        raise OptionError(msg)


def _device(called: str, value: str) -> None:
    if re.fullmatch(r"cuda:\d+", value):
        return
    check_choice(called, value, (*DEVICES, "cuda:N"))
    if value == "cuda:N":
        msg = f"{called} cuda:N stands for a numbered GPU: write for example cuda:0."
        raise OptionError(msg)


CHECKS: Final[Mapping[str, Callable[[str, Any], object]]] = {
    "engine": lambda called, value: check_choice(called, value, ENGINES),
    "fail_on": lambda called, value: check_threshold(value, called),
    "device": _device,
    "lr": _positive("0.1"),
    "factor": _positive("10"),
    "steps": _least(FEWEST_STEPS, "a trial is scored over its last 20 steps"),
    "seeds": _least(1, "a setting is tried on one seed at least"),
    "seed": _least(0, "torch takes no negative seed"),
    "jobs": _least(1, "someone has to do the work"),
    "cpus_per_trial": _positive("0.5"),
    "gpus_per_trial": _gpus,
    "budget": lambda called, value: parse_budget(value, called),
}
