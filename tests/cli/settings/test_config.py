"""`trainsense config`: every setting, its value, and where it came from."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.settings.conftest import Project
from tests.command_line import RunCli
from trainsense.cli.settings.known import SETTINGS

README = Path(__file__).parents[3] / "README.md"
TABLE = """fail_on = "warning"
lr = 0.12345678
ignore = [
  "dead-relu=a | `b` [red]c[/red] \\u001b[31m of some length, so that it goes on in the next line of the table",
  "lr-too-low",
]
"""


def rows(text: str) -> dict[str, list[str]]:
    return {row[0]: row for row in (re.split(r"  +", line) for line in text.split("\n")) if len(row) == 3}


@pytest.fixture
def configured(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project(TABLE)
    monkeypatch.setenv("TRAINSENSE_KEEP_GOING", "yes")
    monkeypatch.setenv("TRAINSENSE_FAIL_ON", "note")


@pytest.mark.usefixtures("configured")
def test_as_text(run_cli: RunCli) -> None:
    """In at most 80 columns, no string of the user's being markup."""
    ended = run_cli("config")
    assert ended.status == 0
    assert rows(ended.out).keys() == {"setting", *(setting.name for setting in SETTINGS)}
    shown = rows(ended.out)
    assert shown["fail-on"] == ["fail-on", "note", "environment TRAINSENSE_FAIL_ON"]
    assert shown["keep-going"] == ["keep-going", "true", "environment TRAINSENSE_KEEP_GOING"]
    assert shown["lr"] == ["lr", "0.12345678", "pyproject.toml:6"]
    assert shown["ignore"][2] == "pyproject.toml:7"
    assert shown["steps"] == ["steps", "from the budget", "default"]
    assert shown["budget"] == ["budget", "10m", "default"]
    assert "[red]c[/red]" in ended.out
    assert "\x1b" not in ended.out
    assert max(map(len, ended.out.split("\n"))) <= 80


@pytest.mark.usefixtures("configured")
def test_in_colour(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same words."""
    plain = run_cli("config").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    colored = run_cli("config").out
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[\d;]*m", "", colored).split() == plain.split()


@pytest.mark.usefixtures("configured")
def test_as_json(run_cli: RunCli) -> None:
    document = json.loads(run_cli("config", "--format", "json").out)
    assert (document["schema"], document["file"]) == ("trainsense.config/1", "pyproject.toml")
    settings = document["settings"]
    assert list(settings) == [setting.name for setting in SETTINGS]
    assert settings["fail-on"] == {"value": "note", "source": "environment", "where": "TRAINSENSE_FAIL_ON"}
    assert settings["lr"] == {"value": 0.12345678, "source": "pyproject", "where": "pyproject.toml:6"}
    assert settings["steps"] == {"value": None, "source": "default", "where": None}
    assert settings["quiet"] == {"value": False, "source": "default", "where": None}
    assert settings["ignore"]["value"][1] == "lr-too-low"


@pytest.mark.usefixtures("configured")
def test_as_markdown(run_cli: RunCli) -> None:
    """A table of three columns, whatever a reason holds."""
    lines = run_cli("config", "--format", "markdown").out.split("\n")
    table = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines if line.startswith("|")]
    assert {len(row) for row in table} == {3}
    assert len(table) == len(SETTINGS) + 2
    cells = {name.strip(): (value.strip(), origin.strip()) for name, value, origin in table}
    assert cells["fail-on"] == ("`note`", "`environment TRAINSENSE_FAIL_ON`")
    assert cells["select"] == ("all", "`default`")
    assert cells["ignore"][0].startswith(r"``dead-relu=a \| `b` [red]c[/red] [31m of")
    assert cells["ignore"][0].endswith("``<br>`lr-too-low`")


def test_without_a_project(run_cli: RunCli) -> None:
    """Everything is a default, and the table says that there is none."""
    ended = run_cli("config")
    assert {row[2] for row in rows(ended.out).values()} == {"from", "default"}
    assert "There is no pyproject.toml with [tool.trainsense]" in ended.out
    assert json.loads(run_cli("config", "--format", "json").out)["file"] is None


def test_an_unknown_format(run_cli: RunCli) -> None:
    ended = run_cli("config", "--format", "junit")
    assert (ended.status, ended.out) == (2, "")
    assert "text, json or markdown" in ended.err


def test_the_format_of_a_project_is_that_of_reports(project: Project, run_cli: RunCli) -> None:
    project('format = "junit"')
    assert rows(run_cli("config").out)["format"][1] == "junit"


def test_the_readmes_settings_are_settings(project: Project, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its table is taken, and its variables are."""
    text = README.read_text(encoding="utf-8").split("\n## Settings\n")[1].split("\n## ")[0]
    (block,) = re.findall(r"```toml\n\[tool\.trainsense\]\n(.*?)```", text, flags=re.DOTALL)
    project(block)
    variables = dict(re.findall(r"`(TRAINSENSE_[A-Z_]+)=([^`]+)`", text))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    ended = run_cli("config")
    assert (ended.status, ended.err) == (0, "")
    origins = {row[2] for row in rows(ended.out).values()}
    assert {f"environment {name}" for name in variables} <= origins
    assert any(origin.startswith("pyproject.toml:") for origin in origins)


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["config"], {"torch", "pandas", "matplotlib", "scipy"}),
        (["diagnose", "--help"], {"torch", "pandas", "matplotlib", "scipy", "numpy", "rich"}),
    ],
)
def test_nothing_heavy_is_loaded(arguments: list[str], heavy: set[str]) -> None:
    """Settings are shown, and defaults in the help, at once."""
    program = (
        f"import sys\nfrom trainsense.cli.main import run\nrun({arguments})\nsys.exit(str({heavy} & set(sys.modules)))"
    )
    process = subprocess.run(
        [sys.executable, "-c", program], cwd=README.parent, check=False, capture_output=True, text=True
    )
    assert process.stderr == "set()\n"
