"""What holds: typed, else configured, else the default."""

import os
from collections.abc import Collection, Mapping
from typing import Any

from trainsense.cli.kept_reports import kept_report
from trainsense.cli.rendering import parse_outputs
from trainsense.cli.settings.configured import Configured
from trainsense.cli.settings.environment import environment_settings, unknown_variables
from trainsense.cli.settings.known import BY_FIELD
from trainsense.cli.settings.project import Project, find_project, project_settings
from trainsense.cli.streams import write_line
from trainsense.errors import CannotRunError, OptionError


def resolved(typed: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
    """Return the options that hold, by field; what is left to its default is left out.

    Args:
        typed: the options as typed; None and empty lists were not.
        fields: those for which settings are looked up.

    Raises:
        OptionError: a setting is off, whether or not it is used; or a file that it names cannot be read or written.
    """
    settings = configured_settings(find_project())
    options = {field: value for field, value in typed.items() if value is not None and value != []}
    for field in fields:
        word = BY_FIELD[field].nothing
        if field in options:
            if word and options[field] in (word, [word]):
                del options[field]
        elif field in settings and settings[field].value is not None:
            _check_files(field, settings[field])
            options[field] = settings[field].value
    return options


def configured_settings(project: Project | None) -> dict[str, Configured]:
    """Return the settings of the environment and of a project, by the option's field.

    Variables that look like settings and are none are told of on standard error.

    Raises:
        OptionError: a setting is off; the message names where it was set.
    """
    for warning in unknown_variables(os.environ):
        write_line(f"Warning: {warning}")
    return {**project_settings(project), **environment_settings(os.environ)}


def _check_files(field: str, configured: Configured) -> None:
    """Raise where a setting names a file that stands in the way, while it is known who named it."""
    if field == "output":
        parse_outputs(configured.value, configured.called)
    if field == "baseline":
        try:
            kept_report(configured.value)
        except CannotRunError as error:
            msg = f"{configured.called}: {error} Leave it out with --baseline none, to make the first one."
            raise OptionError(msg) from None
