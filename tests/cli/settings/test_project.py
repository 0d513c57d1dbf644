"""`[tool.trainsense]` of the nearest pyproject.toml that has it."""

from pathlib import Path

import pytest

from tests.cli.settings.conftest import Asked, Project
from tests.cli.test_exit_codes import Core
from tests.command_line import RunCli
from trainsense.cli.settings.toml_lines import setting_lines
from trainsense.records.selection import Selection

WRONG = [
    ("failon = 1", ":5: [tool.trainsense] has no setting 'failon'; the nearest is fail-on"),
    ("\nworkloads = 1", ":6: [tool.trainsense] has no setting 'workloads'; the nearest is "),
    ("debug = true", "has no setting 'debug'; the nearest is "),
    ('fail-on = "note"\nfail_on = "note"', ":6: fail_on is set twice, as fail-on and as fail_on"),
    ("lr = 0", ":5: lr 0 is no such number: it must be finite and above 0"),
    ("lr = inf", ":5: lr inf is no such number"),
    ('lr = "0.1"', ":5: lr is '0.1', a string: it must be a number, for example 0.1"),
    ("lr = true", ":5: lr is true, a boolean: it must be a number"),
    ("steps = 50.0", ":5: steps is 50.0, a number: it must be a whole number"),
    ("steps = 19", ":5: steps 19 is too small: it must be at least 20"),
    ("seed = 2024-01-01", "a date or a time: it must be a whole number"),
    ("quiet = 1", ":5: quiet is 1, a whole number: it must be true or false"),
    ("budget = 60", ':5: budget is 60, a whole number: it must be a string, for example "90s"'),
    ('budget = "60"', ":5: budget '60' is not an amount of time or steps"),
    (
        'device = "cudo"',
        ":5: device 'cudo' is unknown: it is one of auto, cpu, cuda, mps or cuda:N. Did you mean cuda?",
    ),
    ('engine = "warp"', ":5: engine 'warp' is unknown: it is one of auto, sequential"),
    ('format = "jsn"', ":5: format 'jsn' is unknown: it is one of text, json"),
    ('fail-on = "errors"', ":5: fail-on 'errors' is unknown: it is one of error, warning, note or never"),
    ('run-dir = ""', ":5: run-dir is '', a string: it must be a path"),
    ('run-dir = "a\\u0000b"', ":5: run-dir is "),
    ('select = "dead-relu"', ":5: select is 'dead-relu', a string: it must be a list of rules"),
    ('select = ["dead-rel"]', ":5: select names the rule 'dead-rel', which does not exist; the nearest is dead-relu"),
    ('[tool.trainsense.ignore]\ndead-rel = "x"', "ignore names the rule 'dead-rel', which does not exist; the nearest"),
    ("ignore = {dead-relu = 1}", ":5: ignore is {'dead-relu': 1}, a table: it must be a list of rules, each with or"),
    ("ignore = [1]", ":5: ignore is [1], a list: it must be"),
    ('output = ["r.json"]', ":5: output: 'r.json' is not FORMAT=PATH"),
    ('output = {pdf = "r.pdf"}', ":5: output 'pdf' is unknown: it is one of text, json"),
    (
        'output = {json = ["r.json"]}',
        ":5: output is {'json': ['r.json']}, a table: it must be a list of FORMAT=PATH, or",
    ),
]


@pytest.mark.parametrize(("table", "message"), WRONG, ids=[table for table, _ in WRONG])
def test_what_is_wrong_is_told_with_its_file_line_and_key(
    table: str, message: str, project: Project, run_cli: RunCli
) -> None:
    """By any command that has settings, whether or not it uses this one."""
    project(table)
    ended = run_cli("config")
    assert (ended.status, ended.out) == (2, "")
    assert "Error: pyproject.toml:" in ended.err
    assert message in ended.err
    assert (run_cli("report", "nothing").err, run_cli("sweep-lr", "w.py").err) == (ended.err, ended.err)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[tool.trainsense]\nlr = = 3\n", "pyproject.toml:2: it is no valid TOML: Invalid value"),
        (b"[tool.trainsense]\nlr = [\n", "pyproject.toml:2: it is no valid TOML"),
        (b"[tool.trainsense]\n# caf\xe9\n", "pyproject.toml:2: it is no valid TOML: not UTF-8"),
        (b"[tool]\ntrainsense = 3\n", "[tool.trainsense] must be a table of settings, not 3, a whole number"),
        (b"[[tool.trainsense]]\nlr = 3\n", "[tool.trainsense] must be a table of settings, not [{'lr': 3}], a list"),
        (b"a = " + b"[" * 5000 + b"]" * 5000, "pyproject.toml: it is no TOML that can be read"),
    ],
    ids=["syntax", "unfinished", "latin-1", "number", "array", "deep"],
)
def test_a_file_that_cannot_be_read(content: bytes, message: str, run_cli: RunCli, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(content)
    ended = run_cli("config")
    assert ended.status == 2
    assert message in ended.err
    assert "Traceback" not in ended.err


def test_a_file_of_a_windows_editor(core: Core, asked: Asked, tmp_path: Path) -> None:
    """A byte order mark and its line ends."""
    (tmp_path / "pyproject.toml").write_bytes(b"\xef\xbb\xbf[tool.trainsense]\r\nignore = [\r\n'dead-relu=x',\r\n]\r\n")
    assert asked("diagnose").selection == Selection(ignore={"dead-relu": "x"})


def test_the_nearest_file_with_the_table_counts_alone(
    core: Core, run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One without it is passed by; what lies above the first is not added. Paths are its own."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[tool.trainsense]\nseed = 3\nlr = 0.5\nrun-dir = "runs"\n')
    (inner / "pyproject.toml").write_text("[tool.ruff]\nline-length = 3\n")
    monkeypatch.chdir(inner)
    assert run_cli("diagnose", str(tmp_path / "w.py")).status == 0
    assert core.request is not None
    assert (core.request.seed, core.request.lr) == (3, 0.5)
    assert core.request.run_dir is not None
    assert core.request.run_dir.resolve() == tmp_path / "runs"
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.trainsense]\nseed = 4\n")
    assert run_cli("diagnose", str(tmp_path / "w.py")).status == 0
    assert (core.request.seed, core.request.lr) == (4, None)


def test_paths_are_relative_to_the_file(
    core: Core, run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a table too; a kept run is known by its name."""
    inner, kept = tmp_path / "inner", tmp_path / ".trainsense" / "main"
    inner.mkdir()
    kept.mkdir(parents=True)
    (tmp_path / "reports").mkdir()
    assert run_cli("diagnose", "w.py", "--output", f"json={kept / 'report.json'}").status == 0
    (tmp_path / "pyproject.toml").write_text(
        f'[tool.trainsense]\nbaseline = "main"\n[tool.trainsense.output]\njson = "reports/a.json"\n'
        f'text = "{tmp_path.as_posix()}/b.txt"\n'
    )
    monkeypatch.chdir(inner)
    assert run_cli("diagnose", str(tmp_path / "w.py")).status == 0
    assert (tmp_path / "reports" / "a.json").exists()
    assert (tmp_path / "b.txt").exists()
    assert core.request is not None
    assert core.request.baseline is not None
    assert core.request.baseline.source == "../.trainsense/main"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('baseline = "no.json"', "pyproject.toml:5: baseline: There is no saved report 'no.json'"),
        (
            'output = ["json=no/r.json"]',
            "pyproject.toml:5: output 'json=no/r.json' cannot be written: there is no folder no",
        ),
    ],
)
def test_a_file_in_the_way_is_told_with_who_named_it(
    table: str, message: str, project: Project, core: Core, run_cli: RunCli
) -> None:
    """Where it is used; what is typed instead is not held up."""
    project(table)
    ended = run_cli("diagnose", "w.py")
    assert (ended.status, core.request) == (2, None)
    assert message in ended.err
    assert run_cli("diagnose", "w.py", "--baseline", "none", "--output", "none").status == 0


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("[tool.trainsense]\nlr = 1", {"lr": 2}),
        ("a = 1\ntool.trainsense.lr = 1", {"lr": 2}),
        ("[tool]\ntrainsense.lr = 1\ntrainsense.seed = 2", {"lr": 2, "seed": 3}),
        ("[tool]\ntrainsense = {lr = 1, seed = 2}", {"lr": 2, "seed": 2}),
        ("[ tool . 'trainsense' ] # here\n\n'lr'=1", {"lr": 3}),
        ("[tool.trainsense.ignore]\ndead-relu = ''\n[tool.trainsense]\nlr = 1", {"ignore": 1, "lr": 4}),
        ('[tool.other]\nx = """\n[tool.trainsense]\nlr = 1\n"""\n[tool.trainsense]\nlr = 2', {"lr": 7}),
        ('[[tool.a]]\nlr = 1\n[tool.trainsense]\nignore = [ # ]\n["a"]\n]\nlr = 2', {"ignore": 4, "lr": 7}),
    ],
)
def test_the_line_of_a_setting(text: str, lines: dict[str, int]) -> None:
    """However TOML lets it be written."""
    assert setting_lines(text) == lines
