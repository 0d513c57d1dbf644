"""From a target to a checked workload."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from torch import nn

from tests.command_line import GOOD_WORKLOAD
from trainsense.errors import CannotRunError, UserCodeError, WorkloadError
from trainsense.workload.load import load

BOUND = f"{GOOD_WORKLOAD}\nworkload = Workload(model=model, data=data, loss=loss)\n"


@pytest.fixture(autouse=True)
def _own_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))


def failure(target: str) -> CannotRunError:
    """Return the error that loading `target` ends with."""
    with pytest.raises(CannotRunError) as caught:
        load(target)
    return caught.value


def test_a_file_by_relative_and_absolute_path(tmp_path: Path) -> None:
    """The source stays as the user named it; the path is absolute; the name is the stem."""
    Path("train_it.py").write_text(BOUND)
    loaded = load("train_it.py")
    assert (loaded.name, loaded.source, loaded.path) == ("train_it", "train_it.py", tmp_path / "train_it.py")
    assert load(str(tmp_path / "train_it.py")).fingerprint == loaded.fingerprint


def test_a_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` is the home folder even where the shell did not expand it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    Path("at_home.py").write_text(BOUND)
    assert load("~/at_home.py:workload").path == tmp_path / "at_home.py"


def test_a_name_and_a_function(tmp_path: Path) -> None:
    """After the colon stands a workload or a function that returns one; colons in the path are no separators."""
    folder = tmp_path / "a:b"
    folder.mkdir()
    Path("a:b/named.py").write_text(f"{BOUND}\nsmall = workload\ndef made(size=2): return workload\n")
    assert load("a:b/named.py:small").workload is not None
    assert load("a:b/named.py:made").name == "named"
    assert load("a:b/named.py").source == "a:b/named.py"


def test_a_module_and_its_package(tmp_path: Path) -> None:
    """Modules are looked for from the current folder."""
    package = tmp_path / "package_of_nets"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "train.py").write_text(BOUND)
    loaded = load("package_of_nets.train")
    assert (loaded.name, loaded.source, loaded.path) == ("train", "package_of_nets.train", package / "train.py")


def test_neighbours_can_be_imported_and_objects_pickled(tmp_path: Path) -> None:
    """The file's folder is on the path, and its classes can be found again by worker processes."""
    folder = tmp_path / "deep"
    folder.mkdir()
    (folder / "neighbour_of_net.py").write_text("WIDTH = 3\n")
    text = f"import neighbour_of_net\n{BOUND}\nclass Item: pass\n"
    (folder / "net_with_neighbour.py").write_text(text)
    load("deep/net_with_neighbour.py")
    item = sys.modules["net_with_neighbour"].Item()
    assert type(pickle.loads(pickle.dumps(item))) is type(item)  # noqa: S301 - our own bytes


@pytest.mark.parametrize("stem", ["random", "torch", "antigravity", "trainsense", "pytest"])
def test_a_stem_that_shadows_another_module(stem: str) -> None:
    """A file may be called like a module of the standard library or an installed one: neither is hidden."""
    Path(f"{stem}.py").write_text(BOUND)
    before = sys.modules.get(stem)
    assert load(f"{stem}.py").name == stem
    assert sys.modules.get(stem) is before


def test_a_file_finds_its_namesake_where_its_folder_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `python -m trainsense` has it: the file does not import itself."""
    Path("wave.py").write_text(f"import wave\nwave.Wave_read\n{BOUND}")
    monkeypatch.delitem(sys.modules, "wave", raising=False)
    monkeypatch.syspath_prepend(str(Path.cwd()))
    assert load("wave.py").name == "wave"


@pytest.mark.parametrize("package", ["lightning", "sklearn", "transformers"])
def test_a_package_that_an_extra_brings_is_named_with_it(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """Instead of a traceback."""
    Path("train.py").write_text(f"import {package}\n{BOUND}")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(WorkloadError, match=rf"train.py imports {package}, .* pip install 'trainsense-diagnostics\["):
        load("train.py")


def test_an_edited_file_is_executed_again() -> None:
    """A notebook that diagnoses a file twice sees the edit."""
    Path("edited.py").write_text(f"{BOUND}\n")
    first = load("edited.py")
    Path("edited.py").write_text(BOUND.replace("nn.Linear(2, 1)", "nn.Linear(2, 1, bias=False)"))
    second = load("edited.py")
    assert first.fingerprint != second.fingerprint
    model = second.workload.model()
    assert isinstance(model, nn.Linear)
    assert model.bias is None


def test_a_parser_at_module_level_sees_no_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training scripts parse their arguments when imported; trainsense's own are none of theirs."""
    monkeypatch.setattr(sys, "argv", ["trainsense", "diagnose", "--lr", "3"])
    parser = "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--lr', default=0.1)\n"
    Path("with_parser.py").write_text(f"{parser}print(parser.parse_args())\n{BOUND}")
    load("with_parser.py")
    assert sys.argv[1] == "diagnose"


WRONG_TARGETS = [
    ("trian.py", "Did you mean train.py?"),
    ("no/such/train.py", "The folder no/such does not exist either."),
    ("", "No workload was named"),
    ("train.py:", "after the colon"),
    ("train.py:1st", "'1st' after the colon"),
    ("notes.md", "not a Python file"),
    ("net.ipynb", "Export the notebook"),
    ("folder", "is a folder"),
    ("no_such_module_here", "There is no module 'no_such_module_here'"),
    ("train.py:other", "Workloads found in it: big, small"),
    ("train.py:number", "is int (3), not a Workload"),
    ("train.py:network", "is Linear"),
    ("train.py:needs", "needs arguments"),
    ("train.py:nothing", "returned NoneType (None), not a Workload"),
]


@pytest.mark.parametrize(("target", "message"), WRONG_TARGETS, ids=[target or "empty" for target, _ in WRONG_TARGETS])
def test_a_wrong_target_is_told(target: str, message: str) -> None:
    """What was found, and what would do."""
    text = f"{BOUND}\nbig = small = workload\ndel workload\nnumber = 3\nnetwork = model()\n"
    Path("train.py").write_text(f"{text}def needs(size): pass\ndef nothing(): pass\n")
    Path("notes.md").write_text("")
    Path("net.ipynb").write_text("{}")
    Path("folder").mkdir()
    error = failure(target)
    assert isinstance(error, WorkloadError)
    assert message in str(error)


USERS_FAULTS = [
    ("def broken(:\n", "SyntaxError", "def broken(:"),
    ("import no_such_thing_at_all\n", "ModuleNotFoundError", "import no_such_thing_at_all"),
    ("import sys\nsys.exit(3)\n", "SystemExit: 3", "sys.exit(3)"),
    ("1 / 0\n", "ZeroDivisionError", "1 / 0"),
    (f"{BOUND}\ndef workload(): raise KeyError('lost')\n", "KeyError: 'lost'", "raise KeyError"),
]


@pytest.mark.parametrize(("text", "message", "line"), USERS_FAULTS, ids=[message for _, message, _ in USERS_FAULTS])
def test_the_users_fault_carries_the_users_traceback(text: str, message: str, line: str) -> None:
    """Their file and line; no frame of trainsense or of the import machinery; nothing half-made left behind."""
    Path("faulty.py").write_text(text)
    error = failure("faulty.py")
    assert isinstance(error, UserCodeError)
    assert message in str(error)
    assert line in error.user_traceback
    assert "faulty.py" in error.user_traceback
    assert "trainsense/workload" not in error.user_traceback
    assert "importlib" not in error.user_traceback


def test_an_interruption_passes() -> None:
    """Ctrl-C while the user's file loads is no fault of theirs."""
    Path("interrupted.py").write_text("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        load("interrupted.py")
    assert "interrupted" not in sys.modules


def test_the_package_gives_its_names_lazily() -> None:
    """`import trainsense` alone does not import torch."""
    check = "import sys, trainsense; assert 'torch' not in sys.modules; trainsense.Workload; trainsense.SCHEDULES"
    subprocess.run([sys.executable, "-c", check], check=True, cwd=Path(__file__).parents[2])
