"""`--budget`: `90s`, `10m`, `1h`, `20000steps` or `none`."""

import re

from trainsense.errors import OptionError
from trainsense.records.request import NO_LIMIT, BudgetLimit

SECONDS = {"s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
STEPS = ("step", "steps")
AMOUNT = re.compile(r"(?P<number>\d+(\.\d+)?|\.\d+)\s*(?P<unit>[a-z]*)")


def parse_budget(text: str, option: str = "--budget") -> BudgetLimit:
    """Return the budget that `text` names; `option` is what was set to it, for messages.

    >>> parse_budget("1.5m")
    BudgetLimit(amount=90.0, unit='seconds')
    >>> parse_budget("none")
    BudgetLimit(amount=inf, unit='steps')

    Raises:
        OptionError: no number, no or an unknown unit, nothing to spend, or a fraction of a step.
    """
    if text.strip().lower() == "none":
        return NO_LIMIT
    match = AMOUNT.fullmatch(text.strip().lower())
    unit = match["unit"] if match else ""
    if match is None or unit not in {*SECONDS, *STEPS}:
        msg = (
            f"{option} {text!r} is not an amount of time or steps. Write for example 90s, 10m, 1h, 20000steps or none."
        )
        raise OptionError(msg)
    number = float(match["number"])
    if number <= 0:
        msg = f"{option} {text!r} leaves nothing to spend: it must be above 0, for example 90s or 20000steps."
        raise OptionError(msg)
    if unit in SECONDS:
        return BudgetLimit(amount=number * SECONDS[unit], unit="seconds")
    if not number.is_integer():
        msg = f"{option} {text!r} is not a whole number of steps, for example 20000steps."
        raise OptionError(msg)
    return BudgetLimit(amount=number, unit="steps")
