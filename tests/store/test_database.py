"""The store on disk."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.fakes import Quadratic
from trainsense.errors import StoreError
from trainsense.records.trace import COLUMNS
from trainsense.records.trial import Trial
from trainsense.store.database import FILE_NAME, VERSION, Store

ROOT = Path(__file__).parents[2]
RUN = Quadratic().answer(Trial(lr=0.1, seed=0, steps=5))

WRITER = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.fakes import Quadratic
from trainsense.records.trial import Trial
from trainsense.store.database import Store
store = Store(Path(sys.argv[1]))
print("open", flush=True)
for seed in range(int(sys.argv[2])):
    store.keep(f"{{sys.argv[3]}}{{seed}}", Quadratic().answer(Trial(lr=0.1, seed=seed, steps=200)))
    print(seed, flush=True)
"""


def writer(folder: Path, count: int, name: str) -> "subprocess.Popen[str]":
    """Start a process that keeps `count` runs under keys that start with `name`, and tells of each."""
    command = [sys.executable, "-c", WRITER.format(root=str(ROOT)), str(folder), str(count), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    """Also by the next process; a second execution is counted."""
    folder = tmp_path / "deep" / "inside"
    store = Store(folder)
    assert store.run("a") is None
    store.keep("a", RUN)
    store.close()
    store = Store(folder)
    found = store.run("a")
    assert found is not None
    assert found.trial == RUN.trial
    store.keep("a", RUN)
    store.keep("b", RUN)
    assert store.executions() == {"a": 2, "b": 1}
    store.close()


def test_a_plan_is_made_once(tmp_path: Path) -> None:
    """Unless it is asked for anew; one that could not be made is not kept."""
    store = Store(tmp_path)
    made: list[int] = []

    def make() -> dict[str, object]:
        made.append(1)
        return {"n": len(made), "x": float("inf")}

    def fail() -> dict[str, object]:
        msg = "not the store's"
        raise KeyError(msg)

    with pytest.raises(KeyError, match="not the store's"):
        store.plan("k", fail, anew=False)
    assert [store.plan("k", make, anew=anew)["n"] for anew in (False, False, True, False)] == [1, 1, 2, 2]
    store.close()


def test_a_damaged_file(tmp_path: Path) -> None:
    """Is told with its path and the way out."""
    (tmp_path / FILE_NAME).write_bytes(b"not a database" * 500)
    with pytest.raises(StoreError, match=r"trials\.sqlite cannot be used.*another --run-dir"):
        Store(tmp_path)


def test_a_damaged_row(tmp_path: Path) -> None:
    """Is not taken for a run."""
    store = Store(tmp_path)
    store.keep("a", RUN)
    store.keep("b", RUN)
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("UPDATE runs SET figures = '{}' WHERE key = 'a'")
    connection.execute("UPDATE runs SET trace = x'00' WHERE key = 'b'")
    connection.commit()
    connection.close()
    for key in "ab":
        with pytest.raises(StoreError, match="damaged"):
            store.run(key)
    store.close()


def test_a_truncated_file(tmp_path: Path) -> None:
    """Half of the pages are gone."""
    store = Store(tmp_path)
    for index in range(50):
        store.keep(str(index), RUN)
    store.close()
    path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(StoreError, match="cannot be used"):
        Store(tmp_path).executions()


def test_another_version(tmp_path: Path) -> None:
    """Is refused and left as it is."""
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("PRAGMA user_version=7")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="format 7"):
        Store(tmp_path)
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()


def test_a_database_of_the_first_version(tmp_path: Path) -> None:
    """Is carried on with: its runs are found, new ones are kept beside them, and it is marked as of now."""
    store = Store(tmp_path)
    store.keep("old", RUN)
    store.close()
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    figures = json.loads(connection.execute("SELECT figures FROM runs").fetchone()[0])
    del figures["trace"]
    rows = np.stack([getattr(RUN.trace, name) for name in COLUMNS]).astype("<f8").tobytes()
    connection.execute("UPDATE runs SET figures = ?, trace = ?", (json.dumps(figures), rows))
    connection.execute("PRAGMA user_version=1")
    connection.commit()
    connection.close()
    store = Store(tmp_path)
    store.keep("new", RUN)
    found = [store.run(key) for key in ("old", "new")]
    store.close()
    assert all(one is not None and one.score == RUN.score for one in found)
    for name in COLUMNS:
        for one in found:
            assert one is not None
            np.testing.assert_array_equal(getattr(one.trace, name), getattr(RUN.trace, name))
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    connection.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(tmp_path: Path) -> None:
    """Cannot be used."""
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="run"):
        Store(tmp_path / "inside")
    with pytest.raises(StoreError, match="read-only"):
        Store(tmp_path)


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    """Cannot be made."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        Store(tmp_path / "file")


def test_processes_at_once(tmp_path: Path) -> None:
    """All of them open a new store and write to it at the same time."""
    processes = [writer(tmp_path, 30, name) for name in "xyz"]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    for process in processes:
        assert process.stdout is not None
        process.stdout.close()
    store = Store(tmp_path)
    assert len(store.executions()) == 90
    store.close()


def test_killed_while_it_writes(tmp_path: Path) -> None:
    """Whatever was told as kept is there, whole, at whatever moment the process dies."""
    for round_, patience in enumerate((0.0, 0.004, 0.011)):
        name = "kill"[: round_ + 1]
        process = writer(tmp_path, 100_000, name)
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "8":
                break
        time.sleep(patience)
        process.send_signal(signal.SIGKILL)
        told = [line for line in process.stdout.read().splitlines() if line]
        process.wait(60)
        process.stdout.close()
        last = 8 if len(told) < 2 else int(told[-2])
        store = Store(tmp_path)
        assert all(store.run(f"{name}{seed}") is not None for seed in range(last + 1))
        assert set(store.executions().values()) == {1}
        store.close()
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
