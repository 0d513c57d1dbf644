"""One of several names: the check that `--format`, `--fail-on`, `--engine` and others share."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final, cast

from trainsense.errors import OptionError
from trainsense.records.finding import SEVERITIES
from trainsense.records.report import Threshold

NEVER: Final = "never"


def check_choice(option: str, value: str, names: Iterable[str]) -> None:
    """Raise unless `value` is one of `names`.

    Args:
        option: as typed, `--format`.
        value: what it was given.
        names: what this version knows.

    Raises:
        OptionError: with the names there are and the closest one.
    """
    names = tuple(names)
    if value in names:
        return
    known = " or ".join([", ".join(names[:-1]), *names[-1:]] if len(names) > 1 else names)
    close = get_close_matches(value, names, n=1)
    guess = f" Did you mean {close[0]}?" if close else ""
    msg = f"{option} {value!r} is unknown: it is one of {known}.{guess}"
    raise OptionError(msg)


def check_threshold(value: str, option: str = "--fail-on") -> Threshold:
    """Return the severity that `--fail-on`, or what stands for it, was given.

    Raises:
        OptionError: it is none.
    """
    check_choice(option, value, (*SEVERITIES, NEVER))
    return cast("Threshold", value)
