"""Where a workload is written."""

import copy
import gc
import pickle
from dataclasses import fields, replace
from pathlib import Path

import pytest

from tests.cases import fixed_batches, mlp, sgd, squared_error
from trainsense import Workload
from trainsense.workload import written as module
from trainsense.workload.load import from_object, load
from trainsense.workload.origin import origin_of
from trainsense.workload.written import Written, written

HEAD = """
from dataclasses import replace
from functools import partial

import trainsense
from tests.cases import fixed_batches, mlp, sgd, squared_error
from trainsense import Workload
"""
CALL = "model=mlp, data=fixed_batches, loss=squared_error"


def loaded(folder: Path, body: str, name: str = "workload") -> tuple[list[str], Written | None]:
    """Return the lines of a workload file and where the workload that it binds is written."""
    path = folder / "training.py"
    path.write_text(HEAD + body, encoding="utf-8")
    workload = load(f"{path}:{name}").workload
    found = written(workload)
    assert found is None or Path(found.file) == path
    return path.read_text(encoding="utf-8").splitlines(), found


def test_every_keyword_has_its_line(tmp_path: Path) -> None:
    """Whatever stands between them."""
    body = """
STEPS = 3  # ünïcode, and another call in the arguments
workload = Workload(
    model=mlp,
    data=fixed_batches, loss=squared_error,
    optimizer=(
        lambda net, lr: sgd(net, lr=lr)
    ),

    # lr=99
    lr=float("0.1"),
)
"""
    lines, found = loaded(tmp_path, body)
    assert found is not None
    assert lines[found.line - 1] == "workload = Workload("
    assert set(found.fields) == {"model", "data", "loss", "optimizer", "lr"}
    for name, line in found.fields.items():
        assert f"{name}=" in lines[line - 1]
    assert found.fields["data"] == found.fields["loss"]


@pytest.mark.parametrize(
    ("body", "line", "known"),
    [
        (f"workload = Workload({CALL}, lr=0.1)", "workload = Workload", {"model", "data", "loss", "lr"}),
        (f"x = 1; workload = trainsense.Workload({CALL})", "x = 1; workload", {"model", "data", "loss"}),
        (f"kept = dict({CALL})\nworkload = Workload(**kept)", "workload = Workload(**kept)", set()),
        (f"base = Workload({CALL})\nworkload = replace(\n    base, lr=0.2\n)", "workload = replace(", {"lr"}),
        (f"made = partial(Workload, {CALL})\nworkload = made(lr=0.3)", "workload = made(lr=0.3)", {"lr"}),
        (f"def workload():\n    return Workload({CALL})", "    return Workload", {"model", "data", "loss"}),
        (
            f"def made(**more):\n    return Workload({CALL}, **more)\nworkload = made(lr=0.1)",
            "    return Workload",
            {"model", "data", "loss"},
        ),
    ],
)
def test_however_it_is_made(tmp_path: Path, body: str, line: str, known: set[str]) -> None:
    """By keywords, by `**`, by a copy with changes, by a function."""
    lines, found = loaded(tmp_path, body)
    assert found is not None
    assert lines[found.line - 1].startswith(line)
    assert set(found.fields) == known


def test_a_file_that_was_changed_since(tmp_path: Path) -> None:
    """The line of the call stands; no keyword is guessed."""
    path = tmp_path / "training.py"
    path.write_text(f"{HEAD}workload = Workload({CALL})\n", encoding="utf-8")
    workload = load(str(path)).workload
    path.write_text("# nothing of it is left\n(\n", encoding="utf-8")
    found = written(workload)
    assert found is not None
    assert (found.fields, found.line) == ({}, len(HEAD.splitlines()) + 1)
    path.unlink()
    assert written(workload) is None


def test_without_a_file() -> None:
    """A notebook's cell, a copy that no line of the user's made."""
    names = {"Workload": Workload, "mlp": mlp, "fixed_batches": fixed_batches, "squared_error": squared_error}
    exec(compile(f"workload = Workload({CALL})", "/notebooks/ipykernel_1/2.py", "exec"), names)  # noqa: S102
    workload = names["workload"]
    assert isinstance(workload, Workload)
    assert written(workload) is None
    here = Workload(model=mlp, data=fixed_batches, loss=squared_error)
    assert written(here) is not None
    assert written(copy.copy(here)) is None
    assert written(pickle.loads(pickle.dumps(here))) is None  # noqa: S301


def test_the_workload_does_not_show_it() -> None:
    """Two that differ in nothing but their lines are equal, and tell nobody."""
    one = Workload(model=mlp, data=fixed_batches, loss=squared_error, optimizer=sgd, lr=0.1)
    two = Workload(model=mlp, data=fixed_batches, loss=squared_error, optimizer=sgd, lr=0.1)
    first, second = written(one), written(two)
    assert first is not None
    assert second is not None
    assert first.line + 1 == second.line
    assert one == two
    assert hash(one) == hash(two)
    assert repr(one) == repr(two)
    assert pickle.dumps(one) == pickle.dumps(two)
    assert vars(one).keys() == {field.name for field in fields(Workload)}
    assert origin_of(one) == origin_of(two) == origin_of(replace(one))
    assert from_object(one).fingerprint == from_object(two).fingerprint != ""


def test_nothing_is_kept_of_a_workload_that_is_gone() -> None:
    """Its place goes with it."""
    gc.collect()
    before = len(module._CALLS)
    workload = Workload(model=mlp, data=fixed_batches, loss=squared_error)
    assert len(module._CALLS) == before + 1
    del workload
    assert len(module._CALLS) == before
