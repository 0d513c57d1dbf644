"""Settings in `[tool.trainsense]` of the nearest pyproject.toml that has the table."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from trainsense.cli.settings.configured import Configured, found, value_of
from trainsense.cli.settings.known import SETTINGS, Setting
from trainsense.cli.settings.project_paths import seen_from_here
from trainsense.cli.settings.toml_lines import setting_lines
from trainsense.errors import CannotRunError, OptionError
from trainsense.rules.selecting import nearest

FILE: Final = "pyproject.toml"
TABLE: Final = "[tool.trainsense]"


@dataclass(frozen=True, kw_only=True)
class Project:
    """A pyproject.toml with settings.

    Args:
        file: as seen from the current directory.
        table: `[tool.trainsense]`.
        lines: the line of each of its keys, as far as it can be told.
    """

    file: Path
    table: Mapping[str, object]
    lines: Mapping[str, int]

    def called(self, key: str) -> str:
        """Return what the user has set, for messages: `pyproject.toml:12: lr`."""
        return f"{self.where(key)}: {key}"

    def where(self, key: str) -> str:
        """Return the file and the line of a key: `pyproject.toml:12`."""
        return f"{self.file}:{self.lines[key]}" if key in self.lines else str(self.file)


def find_project() -> Project | None:
    """Return the nearest pyproject.toml with the table, from the current directory upwards; None without.

    Raises:
        CannotRunError: a pyproject.toml on the way cannot be read or is no TOML.
        OptionError: what is there is no table.
    """
    try:
        here = Path.cwd()
    except OSError:  # the directory is gone
        return None
    for folder in (here, *here.parents):
        file = folder / FILE
        if _is_file(file) and (project := _project(file, here)) is not None:
            return project
    return None


def project_settings(project: Project | None) -> dict[str, Configured]:
    """Return the settings of a project, by the option's field; paths are as seen from the current directory.

    Raises:
        OptionError: an unknown key, a key twice, a value of the wrong type or out of range.
    """
    if project is None:
        return {}
    settings: dict[str, Configured] = {}
    for key, raw in project.table.items():
        setting = _setting(project, key)
        if setting.field in settings:
            msg = f"{project.called(key)} is set twice, as {setting.name} and as {setting.field}: keep one of them."
            raise OptionError(msg)
        value = value_of(setting, setting.kind.from_toml, raw, project.called(key))
        settings[setting.field] = Configured(
            value=seen_from_here(setting.field, value, project.file.parent),
            source="pyproject",
            where=project.where(key),
            called=project.called(key),
        )
    return settings


def _is_file(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:
        return False


def _project(file: Path, here: Path) -> Project | None:
    shown = Path(os.path.relpath(file, here))
    text = _text(file, shown)
    tool = _parsed(text, shown).get("tool")
    if not isinstance(tool, dict) or "trainsense" not in tool:
        return None
    table = tool["trainsense"]
    if not isinstance(table, dict):
        msg = f"{shown}: {TABLE} must be a table of settings, not {found(table)}."
        raise OptionError(msg)
    return Project(file=shown, table=table, lines=setting_lines(text))


def _text(file: Path, shown: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        msg = f"{shown} cannot be read: {error.strerror or error}."
        raise CannotRunError(msg) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        msg = f"{shown}:{line}: it is no valid TOML: not UTF-8 ({error.reason}). Save it as UTF-8."
        raise CannotRunError(msg) from None


def _parsed(text: str, shown: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        number = line[1] if line else text.rstrip("\n").count("\n") + 1
        msg = f"{shown}:{number}: it is no valid TOML: {error}."
        raise CannotRunError(msg) from None
    except (RecursionError, ValueError) as error:
        msg = f"{shown}: it is no TOML that can be read: {error}."
        raise CannotRunError(msg) from None


def _setting(project: Project, key: str) -> Setting:
    names = {setting.name: setting for setting in SETTINGS} | {setting.field: setting for setting in SETTINGS}
    if key in names:
        return names[key]
    close = nearest(key, [setting.name for setting in SETTINGS])
    msg = f"{project.where(key)}: {TABLE} has no setting {key!r}; the nearest is {close}. "
    msg += "`trainsense config` lists them."
    raise OptionError(msg)
