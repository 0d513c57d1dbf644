"""The kinds of values that settings have: how each is read from an environment variable and from TOML."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trainsense.cli.settings.lists import ignored_items, lines_or, output_items, rule_items

SWITCHES: Final = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}
"""What a boolean may be in an environment variable, in any case."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of value.

    Args:
        what: what would do, for messages: `a whole number`.
        from_text: reads an environment variable; raises a `ValueError`.
        from_toml: reads a TOML value; raises a `ValueError`.
    """

    what: str
    from_text: Callable[[str], object]
    from_toml: Callable[[object], object]


def _exactly(*types: type) -> Callable[[object], object]:
    """Return a function that passes values of these types on, and no others: `true` is no number."""

    def passed(value: object) -> object:
        if type(value) not in types:
            raise ValueError
        return value

    return passed


def _switch(text: str) -> bool:
    try:
        return SWITCHES[text.strip().lower()]
    except KeyError:
        raise ValueError from None


def _path(value: object) -> Path:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError
    return Path(value)


def _name(value: object) -> str:
    return str(_path(value))


def _strings(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) and "\0" not in one for one in value):
        raise ValueError
    return value


def _strings_or_table(value: object) -> list[str]:
    """Return `["a=b"]` of `["a=b"]` or `{a = "b"}`."""
    if not isinstance(value, dict):
        return _strings(value)
    return [f"{name}={text}" for name, text in zip(value, _strings(list(value.values())), strict=True)]


def _number(text: str) -> float:
    return float(text)


def _whole(text: str) -> int:
    if not re.fullmatch(r"[+-]?\d+", text.strip(), flags=re.ASCII):
        raise ValueError
    return int(text)


def _listed(split: Callable[[str], Sequence[str]]) -> Callable[[str], list[str]]:
    return lambda text: lines_or(split, text)


TEXT: Final = Kind(what="a string", from_text=str.strip, from_toml=_exactly(str))
WHOLE: Final = Kind(what="a whole number", from_text=_whole, from_toml=_exactly(int))
NUMBER: Final = Kind(
    what="a number", from_text=_number, from_toml=lambda value: float(str(_exactly(int, float)(value)))
)
SWITCH: Final = Kind(what="true or false", from_text=_switch, from_toml=_exactly(bool))
PATH: Final = Kind(what="a path", from_text=_path, from_toml=_path)
REPORT: Final = Kind(what="a path or a name", from_text=_name, from_toml=_name)
RULES: Final = Kind(what="a list of rules", from_text=_listed(rule_items), from_toml=_strings)
IGNORED: Final = Kind(
    what="a list of rules, each with or without =reason, or a table of rule = reason",
    from_text=_listed(ignored_items),
    from_toml=_strings_or_table,
)
OUTPUTS: Final = Kind(
    what="a list of FORMAT=PATH, or a table of format = path",
    from_text=_listed(output_items),
    from_toml=_strings_or_table,
)
