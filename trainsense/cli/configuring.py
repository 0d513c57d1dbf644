"""The settings that hold here, on standard output."""

from typing import Final

from trainsense.cli.choice import check_choice
from trainsense.cli.settings.project import find_project
from trainsense.cli.settings.resolving import configured_settings
from trainsense.cli.settings.showing import write_settings_json, write_settings_markdown, write_settings_text
from trainsense.cli.streams import deliver, report_stream

WRITERS: Final = {"text": write_settings_text, "json": write_settings_json, "markdown": write_settings_markdown}


def show_settings(name: str) -> None:
    """Write every setting.

    Args:
        name: the format.

    Raises:
        OptionError: the format is unknown, or a setting is off.
        CannotRunError: pyproject.toml cannot be read.
    """
    check_choice("--format", name, WRITERS)
    project = find_project()
    settings = configured_settings(project)
    with report_stream() as stream:
        deliver(lambda out: WRITERS[name](settings, None if project is None else project.file, out), stream)
