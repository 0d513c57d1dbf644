"""The command line replaces the environment, which replaces pyproject.toml, which replaces the default."""

import json
from dataclasses import MISSING, fields, replace
from pathlib import Path

import pytest

from tests.cli.settings.conftest import Asked, Project
from tests.cli.test_exit_codes import Core, Diagnosed, found
from tests.command_line import RunCli
from trainsense.cli.diagnose import DiagnoseOptions
from trainsense.cli.options import RunOptions
from trainsense.cli.settings.known import BY_FIELD, SETTINGS
from trainsense.cli.sweep_warmup import WarmupOptions
from trainsense.records.request import NO_LIMIT, BudgetLimit, Request
from trainsense.records.selection import Selection

EVERYTHING = """
lr = 1
steps = 50
seeds = 2
seed = 7
device = "cpu"
engine = "ray"
jobs = 1
cpus-per-trial = 2
gpus-per-trial = 0.5
compile = false
budget = "9s"
run-dir = "runs"
fresh = true
select = ["dead-relu", "lr-too-low"]
ignore = ["lr-too-low=frozen, by design"]
factor = 100
quiet = true
keep_going = true
format = "text"
fail_on = "never"
output = ["json=r.json"]
baseline = "none"
"""
VARIABLES = {
    "LR": "1",
    "STEPS": " 50 ",
    "SEEDS": "2",
    "SEED": "7",
    "DEVICE": "cpu",
    "ENGINE": "ray",
    "JOBS": "1",
    "CPUS_PER_TRIAL": "2",
    "GPUS_PER_TRIAL": "0.5",
    "COMPILE": "no",
    "BUDGET": "9s",
    "RUN_DIR": "runs",
    "FRESH": "Yes",
    "SELECT": "dead-relu, lr-too-low",
    "IGNORE": "lr-too-low=frozen, by design",
    "FACTOR": "1e2",
    "QUIET": "1",
    "KEEP_GOING": "TRUE",
    "FORMAT": "text",
    "FAIL_ON": "never",
    "OUTPUT": "json=r.json",
    "BASELINE": "none",
}
ASKED = Request(
    command="sweep-warmup",
    lr=1.0,
    steps=50,
    seeds=2,
    seed=7,
    device="cpu",
    budget=BudgetLimit(amount=9.0, unit="seconds"),
    run_dir=Path("runs"),
    fresh=True,
    factor=100.0,
    selection=Selection(select=("dead-relu", "lr-too-low"), ignore={"lr-too-low": "frozen, by design"}),
    engine="ray",
    jobs=1,
    cpus_per_trial=2.0,
    gpus_per_trial=0.5,
)


def test_every_option_of_a_running_command_is_a_setting_with_its_default() -> None:
    """But for the workload and `--debug`."""
    options = {field.name: field for kind in (RunOptions, DiagnoseOptions, WarmupOptions) for field in fields(kind)}
    assert options.keys() - {"workload", "debug"} == BY_FIELD.keys()
    for setting in SETTINGS:
        assert options[setting.field].default in (setting.default, MISSING), setting.name
        assert (setting.default is None) == bool(setting.otherwise), setting.name
    assert {name.removeprefix("TRAINSENSE_") for name in (one.variable for one in SETTINGS)} == VARIABLES.keys()


def test_every_setting_arrives_from_pyproject(project: Project, asked: Asked, tmp_path: Path) -> None:
    project(EVERYTHING)
    assert asked("sweep-warmup") == ASKED
    assert json.loads((tmp_path / "r.json").read_text())["verdict"] == "healthy"
    assert asked("diagnose").keep_going


def test_every_setting_arrives_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, asked: Asked, tmp_path: Path
) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(f"TRAINSENSE_{name}", value)
    assert asked("sweep-warmup") == ASKED
    assert (tmp_path / "r.json").exists()
    assert asked("diagnose").keep_going


def test_with_nothing_configured_the_defaults_hold(asked: Asked) -> None:
    assert asked("diagnose") == Request(command="diagnose", run_dir=Path(".trainsense/w"))


@pytest.mark.parametrize(
    ("typed", "variable", "table", "seed"),
    [
        (("--seed", "1"), "2", "seed = 3", 1),
        ((), "2", "seed = 3", 2),
        ((), " ", "seed = 3", 3),
        (("--seed", "0"), "", "seed = 3", 0),
        ((), "", "", 0),
    ],
)
def test_precedence(
    typed: tuple[str, ...],
    variable: str,
    table: str,
    seed: int,
    project: Project,
    asked: Asked,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An empty variable is not set; a typed default is typed."""
    project(table)
    monkeypatch.setenv("TRAINSENSE_SEED", variable)
    assert asked("sweep-lr", *typed).seed == seed


def test_a_typed_list_replaces_the_configured_one(project: Project, asked: Asked) -> None:
    project('ignore = ["dead-relu=x", "lr-too-low"]\nselect = ["dead-relu"]')
    selection = asked("diagnose", "--ignore", "lr-too-high=y", "--select", "bad-init-scale,lr-too-high").selection
    assert selection == Selection(select=("bad-init-scale", "lr-too-high"), ignore={"lr-too-high": "y"})


def test_words_put_a_setting_out_of_force(project: Project, asked: Asked, tmp_path: Path) -> None:
    """Where there is no value that says so: and the files that they name are not looked for."""
    project('ignore = ["dead-relu"]\nselect = ["dead-relu"]\nbaseline = "no.json"\noutput = ["json=no/r.json"]')
    words = ("--ignore", "none", "--select", "all", "--baseline", "none", "--output", "none")
    request = asked("diagnose", *words)
    assert (request.selection, request.baseline) == (Selection(), None)
    assert not (tmp_path / "no").exists()


def test_switches_can_be_typed_off(project: Project, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    project("fresh = true\nkeep-going = true")
    assert asked("diagnose").fresh
    assert not asked("diagnose", "--no-fresh").fresh
    assert not asked("diagnose", "--no-keep-going").keep_going
    monkeypatch.setenv("TRAINSENSE_FRESH", "off")
    assert not asked("diagnose").fresh


def test_budget_none_is_no_word_but_a_value(project: Project, asked: Asked) -> None:
    project('budget = "none"')
    assert asked("diagnose").budget == NO_LIMIT


def test_the_threshold_of_a_project_sets_the_exit_status(core: Core, project: Project, run_cli: RunCli) -> None:
    core.answer = Diagnosed(report=found("warning"))
    project('fail-on = "warning"')
    assert run_cli("diagnose", "w.py").status == 1
    assert run_cli("diagnose", "w.py", "--fail-on", "error").status == 0


def test_a_saved_report_takes_format_and_threshold_and_writes_no_files(
    core: Core, project: Project, run_cli: RunCli, tmp_path: Path
) -> None:
    """The files of `output` are those of a run: another run shown again must not overwrite them."""
    core.answer = Diagnosed(report=replace(found("warning"), summary="Saved."))
    run_cli("diagnose", "w.py", "--output", "json=saved.json")
    project('format = "json"\nfail-on = "warning"\noutput = ["json=r.json"]')
    ended = run_cli("report", "saved.json")
    assert (ended.status, json.loads(ended.out)["summary"]) == (1, "Saved.")
    assert not (tmp_path / "r.json").exists()
    assert run_cli("report", "saved.json", "--output", "text=t.txt", "--fail-on", "never").status == 0
    assert (tmp_path / "t.txt").exists()


def test_help_shows_defaults_and_reads_no_settings(project: Project, run_cli: RunCli) -> None:
    project("no-such-key = 1")
    ended = run_cli("diagnose", "--help")
    assert ended.status == 0
    text = " ".join(ended.out.split())
    for default in ("text", "0", "auto", "10m", "error"):
        assert f"[default: {default}]" in text
    assert "--fresh / --no-fresh" in text
