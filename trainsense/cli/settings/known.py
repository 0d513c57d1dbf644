"""The settings there are: every option of the running commands, but for the workload and `--debug`."""

from dataclasses import dataclass
from typing import Final

from trainsense.cli.settings.kinds import (
    IGNORED,
    NUMBER,
    OUTPUTS,
    PATH,
    REPORT,
    RULES,
    SWITCH,
    TEXT,
    WHOLE,
    Kind,
)

PREFIX: Final = "TRAINSENSE_"
ALL: Final = "all"
NONE: Final = "none"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A setting.

    Args:
        name: as on the command line, without the dashes: `fail-on`.
        kind: what values it takes.
        default: the default; None where it is no value.
        otherwise: what holds by default, in words, where it is no value.
        example: one that would do, as TOML.
        nothing: the word that stands for the default again where something else is configured; empty for no such word.
    """

    name: str
    kind: Kind
    example: str
    default: object = None
    otherwise: str = ""
    nothing: str = ""

    @property
    def field(self) -> str:
        """Return the name of the option's field."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """Return the name of the environment variable."""
        return PREFIX + self.field.upper()


SETTINGS: Final = (
    Setting(name="format", kind=TEXT, default="text", example='"json"'),
    Setting(name="output", kind=OUTPUTS, otherwise=NONE, nothing=NONE, example='["json=report.json"]'),
    Setting(name="quiet", kind=SWITCH, default=False, example="true"),
    Setting(name="lr", kind=NUMBER, otherwise="the workload's", example="0.1"),
    Setting(name="steps", kind=WHOLE, otherwise="from the budget", example="300"),
    Setting(name="seeds", kind=WHOLE, otherwise="as the protocol has it", example="3"),
    Setting(name="seed", kind=WHOLE, default=0, example="0"),
    Setting(name="device", kind=TEXT, default="auto", example='"cpu"'),
    Setting(name="engine", kind=TEXT, default="auto", example='"sequential"'),
    Setting(name="jobs", kind=WHOLE, otherwise="as many as there are cores", example="2"),
    Setting(name="cpus-per-trial", kind=NUMBER, otherwise="1", example="0.5"),
    Setting(name="gpus-per-trial", kind=NUMBER, otherwise="1 on a GPU, else 0", example="0.25"),
    Setting(name="compile", kind=SWITCH, default=False, example="true"),
    Setting(name="budget", kind=TEXT, default="10m", example='"90s"'),
    Setting(name="run-dir", kind=PATH, otherwise=".trainsense/<workload name>", example='"runs"'),
    Setting(name="fresh", kind=SWITCH, default=False, example="true"),
    Setting(name="fail-on", kind=TEXT, default="error", example='"warning"'),
    Setting(name="baseline", kind=REPORT, otherwise=NONE, nothing=NONE, example='"baseline.json"'),
    Setting(name="select", kind=RULES, otherwise=ALL, nothing=ALL, example='["dead-relu", "lr-too-low"]'),
    Setting(name="ignore", kind=IGNORED, otherwise=NONE, nothing=NONE, example='["dead-relu=frozen by design"]'),
    Setting(name="keep-going", kind=SWITCH, default=False, example="true"),
    Setting(name="factor", kind=NUMBER, default=10.0, example="10"),
)

BY_FIELD: Final = {setting.field: setting for setting in SETTINGS}
