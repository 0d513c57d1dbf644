"""The lines of the settings in pyproject.toml, which TOML's parser does not tell."""

import tomllib
from collections.abc import Mapping


def setting_lines(text: str) -> dict[str, int]:
    r"""Return the line, counted from 1, in which each key of `[tool.trainsense]` is set.

    Args:
        text: a whole pyproject.toml, of valid TOML.

    >>> setting_lines('[tool.trainsense]\nlr = 0.1\nignore = [\n  "dead-relu",\n]\n[tool.other]\nseed = 1')
    {'lr': 2, 'ignore': 3}
    """
    lines: dict[str, int] = {}
    section: tuple[str, ...] = ()
    statement: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        statement.append(line)
        try:
            parsed: object = tomllib.loads("\n".join(statement))
        except tomllib.TOMLDecodeError:  # a value that goes on in the next line
            continue
        if statement[0].lstrip().startswith("["):
            section = _path(parsed)
        else:
            parsed = _within(section, parsed)
        for key in _settings(parsed):
            lines.setdefault(key, number - len(statement) + 1)
        statement = []
    return lines


def _path(header: object) -> tuple[str, ...]:
    """Return the names in a header, `("tool", "trainsense")`; those of an array of tables likewise."""
    while isinstance(header, list):
        header = header[0]
    if not isinstance(header, dict) or not header:
        return ()
    ((name, inner),) = header.items()
    return (name, *_path(inner))


def _within(section: tuple[str, ...], content: object) -> object:
    for name in reversed(section):
        content = {name: content}
    return content


def _settings(content: object) -> Mapping[str, object]:
    for name in ("tool", "trainsense"):
        content = content.get(name, {}) if isinstance(content, dict) else {}
    return content if isinstance(content, dict) else {}
