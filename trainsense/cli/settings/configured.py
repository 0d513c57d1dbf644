"""`Configured`: a setting's value and where it came from, checked as it is read."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final, Literal

from trainsense.cli.choice import check_choice
from trainsense.cli.settings.checks import check_value
from trainsense.cli.settings.known import Setting
from trainsense.errors import OptionError
from trainsense.reporters.formats import FORMATS
from trainsense.reporters.shortening import shortened
from trainsense.rules.selecting import ignored_rules, rule_names, selection_of

LONGEST_VALUE: Final = 60
"""Characters of a wrong value that a message repeats."""
TYPE_NAMES: Final = (
    (bool, "a boolean"),
    (str, "a string"),
    (int, "a whole number"),
    (float, "a number"),
    (list, "a list"),
    (dict, "a table"),
    ((date, time), "a date or a time"),
)


@dataclass(frozen=True, kw_only=True)
class Configured:
    """A value that was not typed.

    Args:
        value: as the option takes it.
        source: what it was set in.
        where: the variable, or the file with the line.
        called: what the user set, for messages.
    """

    value: Any
    source: Literal["pyproject", "environment"]
    where: str
    called: str


def value_of(setting: Setting, read: Callable[[Any], object], raw: object, called: str) -> Any:
    """Return a setting's value, read and checked.

    Args:
        setting: which.
        read: reads the raw value; raises a `ValueError` for one of the wrong type.
        raw: what was found.
        called: what the user set, for messages.

    Raises:
        OptionError: wrong type or out of range.
    """
    try:
        value = read(raw)
    except ValueError:
        msg = f"{called} is {found(raw)}: it must be {setting.kind.what}, for example {setting.example}."
        raise OptionError(msg) from None
    if setting.nothing and value in (setting.nothing, [setting.nothing]):
        return None
    check_value(setting.field, value, called)
    if setting.field in NAME_CHECKS:
        NAME_CHECKS[setting.field](called, value)
    return value


def found(value: object) -> str:
    """Return what a value of the wrong type is.

    >>> found(True), found("ten"), found([1])
    ('true, a boolean', "'ten', a string", '[1], a list')
    """
    shown = {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
    kind = next((name for types, name in TYPE_NAMES if isinstance(value, types)), type(value).__name__)
    return f"{shortened(shown, LONGEST_VALUE)}, {kind}"


def _check_outputs(called: str, items: list[str]) -> None:
    for item in items:
        name, equals, path = item.partition("=")
        if not equals or not path.strip():
            msg = f"{called}: {item!r} is not FORMAT=PATH, for example json=report.json."
            raise OptionError(msg)
        check_choice(called, name, FORMATS)


NAME_CHECKS: Final[dict[str, Callable[[str, Any], object]]] = {
    "format": lambda called, value: check_choice(called, value, FORMATS),
    "output": _check_outputs,
    "select": lambda called, items: selection_of(rule_names(items), {}, selected_by=called),
    "ignore": lambda called, items: selection_of((), ignored_rules(items), ignored_by=called),
}
