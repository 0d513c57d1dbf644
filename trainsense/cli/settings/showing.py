"""Every setting with its value and where it came from: as text, JSON or Markdown."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TextIO

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from trainsense.cli.settings.configured import Configured
from trainsense.cli.settings.known import SETTINGS, Setting
from trainsense.cli.settings.project import FILE, TABLE
from trainsense.reporters.console import print_parts
from trainsense.reporters.sections.layout import cleaned, text_of

SCHEMA: Final = "trainsense.config/1"
COLUMNS: Final = ("setting", "value", "from")
DEFAULT: Final = "default"
PRECEDENCE: Final = "What is typed on the command line replaces what is shown here, lists as a whole."


def write_settings_text(settings: Mapping[str, Configured], file: Path | None, stream: TextIO) -> None:
    """Write a table for a terminal.

    Args:
        settings: what is configured, by the option's field.
        file: the pyproject.toml with the table, None without one.
        stream: where to.
    """
    print_parts(lambda columns: _parts(settings, file, columns), stream)


def write_settings_json(settings: Mapping[str, Configured], file: Path | None, stream: TextIO) -> None:
    """Write one JSON object: each setting's value, null where it is none, and its origin."""
    rows = {setting.name: _entry(setting, settings.get(setting.field)) for setting in SETTINGS}
    document = {"schema": SCHEMA, "file": None if file is None else str(file), "settings": rows}
    stream.write(json.dumps(document, indent=2) + "\n")


def write_settings_markdown(settings: Mapping[str, Configured], file: Path | None, stream: TextIO) -> None:
    """Write a table of GitHub's Markdown."""
    rows = [
        (setting.name, "<br>".join(_cell(setting, settings.get(setting.field))), _code(_origin(settings, setting)))
        for setting in SETTINGS
    ]
    lines = [" | ".join(row) for row in (COLUMNS, ("---",) * len(COLUMNS), *rows)]
    stream.write("\n".join([*(f"| {line} |" for line in lines), "", f"{_file_line(file)} {PRECEDENCE}", ""]))


def _parts(settings: Mapping[str, Configured], file: Path | None, columns: int) -> Iterator[RenderableType]:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold", width=None)
    for column in COLUMNS:
        table.add_column(
            column, overflow="fold", max_width=max(columns - 55, columns // 4) if column == "value" else None
        )
    for setting in SETTINGS:
        configured = settings.get(setting.field)
        style = "dim" if configured is None else "bold"
        value = Text("\n").join(text_of(one.replace("\n", " "), style) for one in _values(setting, configured))
        table.add_row(text_of(setting.name), value, text_of(_origin(settings, setting), style))
    yield table
    yield Text()
    yield text_of(f"{_file_line(file)} {PRECEDENCE}", "dim")


def _file_line(file: Path | None) -> str:
    return f"There is no {FILE} with {TABLE} from here upwards." if file is None else f"{TABLE} is that of {file}."


def _origin(settings: Mapping[str, Configured], setting: Setting) -> str:
    """Return `default`, `pyproject.toml:12` or `environment TRAINSENSE_LR`."""
    configured = settings.get(setting.field)
    if configured is None:
        return DEFAULT
    return f"environment {configured.where}" if configured.source == "environment" else configured.where


def _values(setting: Setting, configured: Configured | None) -> list[str]:
    """Return the value as text, one for each item of a list; in words where there is none."""
    value = setting.default if configured is None else configured.value
    if value is None:
        return [setting.otherwise]
    if isinstance(value, list):
        return [cleaned(str(one)) for one in value] or [setting.otherwise]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return [f"{value:.12g}" if isinstance(value, float) else cleaned(str(value))]


def _entry(setting: Setting, configured: Configured | None) -> dict[str, Any]:
    if configured is None:
        return {"value": setting.default, "source": DEFAULT, "where": None}
    value = str(configured.value) if isinstance(configured.value, Path) else configured.value
    return {"value": value, "source": configured.source, "where": configured.where}


def _cell(setting: Setting, configured: Configured | None) -> list[str]:
    in_words = configured is None and setting.default is None
    return _values(setting, configured) if in_words else [_code(one) for one in _values(setting, configured)]


def _code(text: str) -> str:
    """Return `text` as code in a cell of a table: its backticks fenced by more of them, its bars escaped."""
    line = re.sub(r"\s+", " ", text)
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    space = " " if line[:1] in "` " or line[-1:] in "` " else ""
    return f"{fence}{space}{line}{space}{fence}".replace("|", "\\|")
