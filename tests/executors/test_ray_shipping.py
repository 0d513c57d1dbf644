"""The workload's folder goes to a cluster, what belongs to this machine stays."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from trainsense.errors import OptionError
from trainsense.executors.ray import packing, shipping
from trainsense.executors.ray.shipping import Shipment, shipment_of
from trainsense.executors.worker import Assignment
from trainsense.workload.load import load

WORKLOAD = """
from torch import nn
from trainsense import Workload
workload = small = Workload(model=lambda: nn.Linear(1, 1), data=list, loss=lambda net, batch: batch)
"""
ASSIGNMENT = Assignment(target="", folder="here", lr=None, device="cpu", seed=0)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "project"
    (made / "shipped_package").mkdir(parents=True)
    for file in (made / "train.py", made / "shipped_package" / "task.py", made / "shipped_package" / "__init__.py"):
        file.write_text(WORKLOAD, encoding="utf-8")
    monkeypatch.chdir(made)
    monkeypatch.syspath_prepend(made)
    return made


def shipped(folder: Path, target: str, run_dir: Path | None = None) -> Shipment:
    return shipment_of(replace(ASSIGNMENT, target=target), folder, run_dir)


def names(shipment: Shipment) -> set[str]:
    with zipfile.ZipFile(shipment.runtime_env["working_dir"]) as archive:
        return set(archive.namelist())


def test_a_file_is_shipped_with_its_folder(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers load it by its name there; runs and what is hidden stay here."""
    monkeypatch.chdir(tmp_path)
    for place in (
        "runs/mine/kept",
        ".git/config",
        "deep/.env",
        "shipped_package/__pycache__/task.pyc",
        "deep/rows.txt",
    ):
        (project / place).parent.mkdir(parents=True, exist_ok=True)
        (project / place).touch()
    shipment = shipped(tmp_path, "project/train.py:small", project / "runs" / "mine")
    assert (shipment.assignment.target, shipment.assignment.folder) == ("./train.py:small", ".")
    package = {"shipped_package/task.py", "shipped_package/__init__.py"}
    assert names(shipment) == {"train.py", "deep/rows.txt", *package}
    (package_folder,) = shipment.runtime_env["py_modules"]
    assert (Path(package_folder) / "workload" / "contract.py").is_file()


def test_a_module_is_shipped_from_where_it_is_imported(project: Path, tmp_path: Path) -> None:
    """One that is installed is not."""
    load("shipped_package.task")
    shipment = shipped(tmp_path, "shipped_package.task", Path("runs"))
    assert shipment.assignment.target == "shipped_package.task"
    assert "shipped_package/task.py" in names(shipment)
    assert "working_dir" not in shipped(tmp_path, "torch.nn").runtime_env


def test_what_a_submitted_job_brought_is_not_shipped_again(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray takes no second folder; the file is found below the first."""
    monkeypatch.setenv(shipping.JOB, json.dumps({"runtime_env": {"working_dir": "gcs://package.zip"}}))
    shipment = shipped(tmp_path, "shipped_package/task.py")
    assert shipment.assignment.target == "./shipped_package/task.py:workload"
    assert "working_dir" not in shipment.runtime_env


def test_a_folder_that_is_too_large_is_refused_with_its_largest_files(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stays behind does not count, what `.rayignore` names neither."""
    monkeypatch.setattr(packing, "MOST_BYTES", 2 * 2**20)
    for place in (project / ".cache" / "large.bin", project / "data" / "rows.bin"):
        place.parent.mkdir()
        place.write_bytes(bytes(3 * 2**20))
    shipped(tmp_path, "train.py", project / "data")
    with pytest.raises(OptionError, match=r"too large: 3 MiB, of at most 2 MiB. Largest: data/rows.bin \(3 MiB\)"):
        shipped(tmp_path, "train.py")
    for line in ("data/", "*.bin", "/data/*.bin"):
        (project / ".rayignore").write_text(f"# large\n{line}\n", encoding="utf-8")
        assert "data/rows.bin" not in names(shipped(tmp_path, "train.py"))


@pytest.mark.parametrize("variable", ["HOME", "TMPDIR"])
def test_a_folder_of_much_else_is_never_shipped(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Keys lie in one, and other people's files in the other."""
    monkeypatch.setenv(variable, str(project / "shipped_package"))
    monkeypatch.setattr("tempfile.tempdir", None)
    with pytest.raises(OptionError, match="move the workload into a folder of its own"):
        shipped(tmp_path, "train.py")
