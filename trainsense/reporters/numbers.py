"""Numbers as people read them: three or four significant digits, and words for what is not finite."""

import math
from typing import Any, Final

LR_DIGITS: Final = 3
"""Grid points lie thirds of a decade apart: three digits name one."""

PLAIN_LIMIT: Final = 1e6
"""Below this magnitude a number is written out instead of with an exponent."""

NOT_AVAILABLE: Final = "n/a"
"""What stands where a figure could not be measured."""


def as_number(value: object) -> float | None:
    """Return a plain value of a report (a number, or "nan", "inf", "-inf") as a float, None for anything else.

    >>> as_number("inf"), as_number(3), as_number(None)
    (inf, 3.0, None)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    return float(value) if isinstance(value, str) and value in {"nan", "inf", "-inf"} else None


def number_text(value: object, digits: int = 4) -> str:
    """Return a number in `digits` significant digits.

    Args:
        value: a number, one of the strings that stand for numbers that are not finite, or None.
        digits: significant digits, at least 1.

    >>> [number_text(value) for value in (0.123456, 12345.6, 1e-05, "inf", None)]
    ['0.1235', '12346', '1e-05', 'inf', 'n/a']
    """
    number = as_number(value)
    if number is None:
        return NOT_AVAILABLE
    if not math.isfinite(number):
        return str(number)
    if float(number).is_integer() and abs(number) < PLAIN_LIMIT:
        return str(int(number))
    text = f"{number:.{digits}g}"
    return f"{number:.0f}" if "e+" in text and abs(number) < PLAIN_LIMIT else text


def lr_text(value: object) -> str:
    """Return a learning rate in three significant digits.

    >>> [lr_text(value) for value in (0.1, 10 ** (-4 / 3), 1e-05, None)]
    ['0.1', '0.0464', '1e-05', 'n/a']
    """
    return number_text(value, LR_DIGITS)


def percent_text(share: object, *, signed: bool = False) -> str:
    """Return a share of 1 in per cent, without the sign of per cent.

    >>> percent_text(0.214), percent_text(0.0012), percent_text(0.2, signed=True), percent_text("-inf")
    ('21', '0.12', '+20', '-inf')
    """
    number = as_number(share)
    if number is None or not math.isfinite(number):
        return number_text(number)
    hundredths = 100.0 * number
    text = f"{hundredths:.0f}" if abs(hundredths) >= 10 or hundredths == 0 else f"{hundredths:.2g}"
    return f"+{text}" if signed and hundredths > 0 else text


def evidence_text(value: Any, most: int = 6) -> str:
    """Return a measured value on one line; of a long sequence the first entries and how many there are.

    >>> evidence_text({"lr": 0.1, "seeds": [0, 1, 2]}), evidence_text(True)
    ('lr 0.1, seeds [0, 1, 2]', 'yes')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if hasattr(value, "items"):
        return ", ".join(f"{key} {evidence_text(entry)}" for key, entry in value.items())
    if isinstance(value, list | tuple):
        shown = ", ".join(evidence_text(entry) for entry in value[:most])
        return f"[{shown}]" if len(value) <= most else f"[{shown}, … {len(value)} in all]"
    return number_text(value)
