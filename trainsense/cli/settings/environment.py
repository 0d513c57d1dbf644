"""Settings in environment variables: `TRAINSENSE_FAIL_ON=warning`."""

from collections.abc import Mapping

from trainsense.cli.settings.configured import Configured, value_of
from trainsense.cli.settings.known import PREFIX, SETTINGS
from trainsense.rules.selecting import nearest


def environment_settings(environ: Mapping[str, str]) -> dict[str, Configured]:
    """Return the settings of an environment, by the option's field; an empty variable is not set.

    Raises:
        OptionError: a value is of the wrong type or out of range; the message names the variable.
    """
    return {
        setting.field: Configured(
            value=value_of(setting, setting.kind.from_text, environ[setting.variable], setting.variable),
            source="environment",
            where=setting.variable,
            called=setting.variable,
        )
        for setting in SETTINGS
        if environ.get(setting.variable, "").strip()
    }


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Return a warning for each variable that is named like a setting and is none."""
    known = [setting.variable for setting in SETTINGS]
    return [
        f"{name} is not a setting and is not used; the nearest is {nearest(name, known)}."
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in known and environ[name].strip()
    ]
