"""The workload's folder goes to a cluster, what belongs to this machine stays."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from trainsense.errors import OptionError
from trainsense.executors.ray import shipping
from trainsense.executors.ray.shipping import shipment_of
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


def test_a_file_is_shipped_with_its_folder(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers load it by its name there; the runs stay here."""
    monkeypatch.chdir(project.parent)
    shipment = shipment_of(replace(ASSIGNMENT, target="project/train.py:small"), project / "runs" / "mine")
    assert (shipment.assignment.target, shipment.assignment.folder) == ("./train.py:small", ".")
    assert shipment.runtime_env["working_dir"] == str(project)
    assert "/runs/mine" in shipment.runtime_env["excludes"]
    (package,) = shipment.runtime_env["py_modules"]
    assert (Path(package) / "workload" / "contract.py").is_file()


def test_a_module_is_shipped_from_where_it_is_imported(project: Path) -> None:
    """One that is installed is not."""
    load("shipped_package.task")
    shipment = shipment_of(replace(ASSIGNMENT, target="shipped_package.task"), Path("runs"))
    assert shipment.assignment.target == "shipped_package.task"
    assert shipment.runtime_env["working_dir"] == str(project)
    assert "working_dir" not in shipment_of(replace(ASSIGNMENT, target="torch.nn"), None).runtime_env


def test_what_a_submitted_job_brought_is_not_shipped_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray takes no second folder; the file is found below the first."""
    monkeypatch.setenv(shipping.JOB, json.dumps({"runtime_env": {"working_dir": "gcs://package.zip"}}))
    shipment = shipment_of(replace(ASSIGNMENT, target="shipped_package/task.py"), None)
    assert shipment.assignment.target == "./shipped_package/task.py:workload"
    assert list(shipment.runtime_env) == ["py_modules"]


def test_a_folder_that_is_too_large_is_refused_with_its_largest_files(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stays behind does not count; where the user says what stays, Ray counts."""
    monkeypatch.setattr(shipping, "MOST_BYTES", 2 * 2**20)
    assignment = replace(ASSIGNMENT, target="train.py")
    (project / ".cache").mkdir()
    for place in (project / ".cache" / "large.bin", project / "runs.bin"):
        place.write_bytes(bytes(3 * 2**20))
    shipment_of(assignment, project / "runs.bin")
    with pytest.raises(OptionError, match=r"too large: 3 MiB, of at most 2 MiB. Largest: runs.bin \(3 MiB\)"):
        shipment_of(assignment, None)
    (project / ".rayignore").write_text("*.bin", encoding="utf-8")
    shipment_of(assignment, None)


def test_a_home_directory_is_never_shipped(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys lie there."""
    monkeypatch.setenv("HOME", str(project / "shipped_package"))
    with pytest.raises(OptionError, match="holds your home directory"):
        shipment_of(replace(ASSIGNMENT, target="train.py"), None)
