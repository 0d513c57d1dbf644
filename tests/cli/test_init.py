"""`init`: a file that runs as it is written, and nothing overwritten by accident."""

import json
import os
import shlex
import subprocess
import sys
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from stat import S_IMODE

import pytest

from tests.command_line import RunCli
from trainsense.cli.starting import TEMPLATES
from trainsense.workload.contract import Workload

MOST_LINES = 120


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TEMPLATES)
def test_the_written_file_passes_its_dry_run_and_preflight(run_cli: RunCli, name: str) -> None:
    """By the command that `init` names; the warnings are those of other packages' imports."""
    extra = TEMPLATES[name].extra
    if extra and find_spec(extra) is None:
        pytest.skip(f"needs {extra}: pip install 'trainsense-diagnostics[{extra}]'")
    written = run_cli("init", "my training.py", "--template", name)
    assert (written.status, written.err) == (0, "")
    preflight, diagnose = [shlex.split(line) for line in written.out.splitlines()[-2:]]
    assert diagnose == ["trainsense", "diagnose", "my training.py", "--budget", "5m"]
    ended = run_cli(*preflight[1:], "--format", "json", "--quiet")
    report = json.loads(ended.out)
    assert (ended.status, report["verdict"], ended.err) == (0, "healthy", "")
    assert {finding["severity"] for finding in report["findings"]} <= {"note"}
    assert not any(one.get("crashed") for one in report["not_assessed"])


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_name_every_field_in_few_plain_lines(name: str) -> None:
    """All but the workload's name; any encoding can carry them."""
    text = TEMPLATES[name].text()
    assert text.isascii()
    assert len(text.splitlines()) < MOST_LINES
    assert [field.name for field in fields(Workload) if f"    {field.name}=" not in text] == ["name"]
    assert (f"trainsense-diagnostics[{TEMPLATES[name].extra}]" in text) is bool(TEMPLATES[name].extra)


def test_templates_are_as_ruff_formats_them_anywhere(tmp_path: Path) -> None:
    """At ruff's own line length too: they are written into other people's folders."""
    if find_spec("ruff") is None:
        pytest.skip("ruff is not installed: pip install 'trainsense-diagnostics[dev]'")
    for name, template in TEMPLATES.items():
        (tmp_path / f"train_{name.replace('-', '_')}.py").write_text(template.text(), encoding="utf-8")
    for check in (["format", "--check"], ["check"]):
        command = [sys.executable, "-m", "ruff", *check, "--isolated", "--no-cache", "."]
        process = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=60)
        assert process.returncode == 0, process.stdout


@pytest.mark.parametrize("extra", sorted({template.extra for template in TEMPLATES.values()} - {""}))
def test_a_missing_extra_is_one_line_with_what_installs_it(
    run_cli: RunCli, monkeypatch: pytest.MonkeyPatch, extra: str
) -> None:
    """No traceback."""
    monkeypatch.setitem(sys.modules, extra, None)
    run_cli("init", "train.py", "--template", extra)
    ended = run_cli("preflight", "train.py")
    install = f"pip install 'trainsense-diagnostics[{extra}]'"
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == f"Error: train.py imports {extra}, which is not installed: {install}\n"


def test_the_default_is_workload_py(run_cli: RunCli, tmp_path: Path) -> None:
    """In plain PyTorch, and nothing left beside it."""
    ended = run_cli("init")
    assert (ended.status, ended.err) == (0, "")
    assert [file.name for file in tmp_path.iterdir()] == ["workload.py"]
    assert (tmp_path / "workload.py").read_text(encoding="utf-8") == TEMPLATES["pytorch"].text()


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_hyphen_is_standard_output(run_cli: RunCli, tmp_path: Path, name: str) -> None:
    """The file alone."""
    ended = run_cli("init", "-", "--template", name)
    assert (ended.status, ended.out, ended.err) == (0, TEMPLATES[name].text(), "")
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_overwritten_by_force_alone(run_cli: RunCli, tmp_path: Path) -> None:
    """Its permissions stay."""
    file = tmp_path / "train.py"
    file.write_text("mine", encoding="utf-8")
    file.chmod(0o750)
    refused = run_cli("init", "train.py")
    assert (refused.status, refused.out, file.read_text(encoding="utf-8")) == (2, "", "mine")
    assert "train.py exists" in refused.err
    assert "--force" in refused.err
    assert len(refused.err.splitlines()) == 1
    assert run_cli("init", "train.py", "--force").status == 0
    assert file.read_text(encoding="utf-8") == TEMPLATES["pytorch"].text()
    assert S_IMODE(file.stat().st_mode) == 0o750


def test_a_link_is_written_through(run_cli: RunCli, tmp_path: Path) -> None:
    """Even one that leads nowhere yet is something that is there."""
    (tmp_path / "link.py").symlink_to("real.py")
    assert run_cli("init", "link.py").status == 2
    assert run_cli("init", "link.py", "--force").status == 0
    assert (tmp_path / "link.py").is_symlink()
    assert (tmp_path / "real.py").read_text(encoding="utf-8") == TEMPLATES["pytorch"].text()


WRONG = {
    "unknown template": (["--template", "lightening"], "Did you mean lightning?"),
    "no folder": (["no/such/train.py"], "there is no folder no/such"),
    "no Python file": (["train.txt"], "train.txt is not a .py file"),
    "a folder": (["."], "is a folder"),
    "a folder, by force": ([".", "--force"], "is a folder"),
    "a name too long": ([f"{'x' * 300}.py"], "cannot be written"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_one_line(run_cli: RunCli, tmp_path: Path, case: str) -> None:
    """And nothing is written."""
    arguments, message = WRONG[case]
    ended = run_cli("init", *arguments)
    assert (ended.status, ended.out, len(ended.err.splitlines())) == (2, "", 1)
    assert message in ended.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("what", ["folder", "file"])
def test_no_permission_is_one_line(run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Told by the system, which lets its administrator do anything: so it is asked here by a stand-in."""
    file = tmp_path / "train.py"
    file.write_text("mine", encoding="utf-8")
    closed = file if what == "file" else tmp_path
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).resolve() != closed.resolve())
    ended = run_cli("init", "train.py", "--force")
    assert (ended.status, ended.out, len(ended.err.splitlines())) == (2, "", 1)
    assert "no permission" in ended.err
    assert file.read_text(encoding="utf-8") == "mine"


def test_a_write_that_fails_leaves_the_old_file(
    run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole, and nothing beside it."""
    (tmp_path / "train.py").write_text("mine", encoding="utf-8")

    def fail(path: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    ended = run_cli("init", "train.py", "--force")
    assert (ended.status, ended.err) == (2, "Error: train.py cannot be written: No space left on device.\n")
    assert [(file.name, file.read_text(encoding="utf-8")) for file in tmp_path.iterdir()] == [("train.py", "mine")]
