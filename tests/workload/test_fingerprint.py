"""The fingerprint changes with the workload's source, and with nothing else."""

import shutil
import sys
from pathlib import Path

import pytest

from trainsense.workload.fingerprint import fingerprint


@pytest.fixture(autouse=True)
def _own_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])


def written(folder: Path, **files: str) -> Path:
    """Write modules and return the path of `main.py`."""
    for name, text in files.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "main.py"


def test_it_is_64_hex_digits(tmp_path: Path) -> None:
    """A sha256."""
    assert len(bytes.fromhex(fingerprint(written(tmp_path, main="x = 1\n"), module="main"))) == 32


def test_local_imports_count_recursively(tmp_path: Path) -> None:
    """A neighbour of a neighbour, imported inside a function, counts; an unrelated file does not."""
    files = {"main": "import alpha_fp\n", "alpha_fp": "def f():\n    from beta_fp import x\n", "beta_fp": "x = 1\n"}
    path = written(tmp_path, **files)
    first = fingerprint(path, module="main")
    written(tmp_path, unrelated="x = 1\n")
    assert fingerprint(path, module="main") == first
    written(tmp_path, beta_fp="x = 2\n")
    assert fingerprint(path, module="main") != first


def test_packages_and_relative_imports_count(tmp_path: Path) -> None:
    """`from . import x`, `from .x import y` and the package's own `__init__.py`."""
    path = written(
        tmp_path,
        main="from package_fp import nets\n",
        **{"package_fp/__init__": "", "package_fp/nets": "from .layers import wide\nfrom . import data\n"},
        **{"package_fp/layers": "wide = 1\n", "package_fp/data": "size = 1\n"},
    )
    for changed in ("layers", "data", "__init__"):
        before = fingerprint(path, module="main")
        (tmp_path / "package_fp" / f"{changed}.py").write_text("wide = size = 2\n")
        assert fingerprint(path, module="main") != before


def test_a_circle_of_imports_ends_and_its_order_does_not_count(tmp_path: Path) -> None:
    """Modules are hashed by name, in whatever order they are met."""
    path = written(tmp_path, main="import gamma_fp\n", gamma_fp="import delta_fp\n", delta_fp="import gamma_fp\n")
    first = fingerprint(path, module="main")
    sys.modules["delta_fp"] = type(sys)("delta_fp")
    sys.modules["delta_fp"].__file__ = str(tmp_path / "delta_fp.py")
    try:
        assert fingerprint(path, module="main") == first
    finally:
        del sys.modules["delta_fp"]


def test_the_place_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same project in another folder, seen from another folder, with other line ends, is the same workload."""
    path = written(tmp_path / "here", main="import zeta_fp\nx = 1\n", zeta_fp="y = 1\n")
    first = fingerprint(path, module="main")
    shutil.move(tmp_path / "here", tmp_path / "there")
    monkeypatch.chdir("/")
    moved = tmp_path / "there" / "main.py"
    moved.write_bytes(moved.read_bytes().replace(b"\n", b"\r\n"))
    assert fingerprint(moved, module="main") == first


def test_the_context_counts(tmp_path: Path) -> None:
    """Two workloads in one file are two."""
    path = written(tmp_path, main="x = 1\n")
    assert fingerprint(path, module="main", context=["a"]) != fingerprint(path, module="main", context=["b"])


def test_installed_modules_do_not_count(tmp_path: Path) -> None:
    """What lies in site-packages, the standard library or trainsense is not read."""
    (tmp_path / "venv/site-packages").mkdir(parents=True)
    path = written(tmp_path, main="import json, torch, trainsense, installed_fp, no_such_fp\n")
    sys.path.append(str(tmp_path / "venv/site-packages"))
    first = fingerprint(path, module="main")
    written(tmp_path / "venv/site-packages", installed_fp="x = 2\n")
    assert fingerprint(path, module="main") == first


def test_a_neighbour_that_cannot_be_parsed_counts_as_text(tmp_path: Path) -> None:
    """An optional import may be broken; that is the user's business."""
    path = written(tmp_path, main="try:\n    import broken_fp\nexcept Exception: pass\n", broken_fp="def (:\n")
    assert fingerprint(path, module="main")
