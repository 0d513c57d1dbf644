"""Killed at any moment, nothing finished is lost, and the same command carries on to the same report."""

import json
import signal
from pathlib import Path

import pytest

from tests.acceptance.process import TINY, comparable, ended, executions, signalled, start

COMMAND = ("sweep-lr", "w.py", "--format", "json", "--budget", "4000steps", "--steps", "60", "--quiet")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the tiny workload."""
    (tmp_path / "w.py").write_text(TINY)
    return tmp_path


def test_kill_and_run_again(folder: Path) -> None:
    """Twice killed, no trial runs twice, and the report is that of an undisturbed run."""
    killed = [*COMMAND, "--run-dir", "killed"]
    for enough in (2, 15):
        process = start(folder, *killed)
        status, out, _ = signalled(
            process, signal.SIGKILL, lambda enough=enough: len(executions(folder / "killed")) >= enough
        )
        assert (status, out) == (-signal.SIGKILL, "")
    kept = len(executions(folder / "killed"))
    assert kept >= 15
    status, out, err = ended(folder, *killed)
    assert status in {0, 1}, err
    counts = executions(folder / "killed")
    assert set(counts) == {1}
    assert len(counts) > kept
    _, undisturbed, _ = ended(folder, *COMMAND, "--run-dir", "undisturbed")
    assert comparable(json.loads(out)) == comparable(json.loads(undisturbed))
    assert json.loads(out)["cost"]["trials"] == len(counts)
    _, again, _ = ended(folder, *killed)
    assert set(executions(folder / "killed")) == {1}
    assert comparable(json.loads(again)) == comparable(json.loads(out))


def test_fresh_runs_everything_again(folder: Path) -> None:
    """And says so in the store."""
    small = ("sweep-lr", "w.py", "--budget", "900steps", "--steps", "40", "--run-dir", "runs", "--quiet")
    assert ended(folder, *small)[0] in {0, 1}
    assert set(executions(folder / "runs")) == {1}
    assert ended(folder, *small, "--fresh")[0] in {0, 1}
    assert set(executions(folder / "runs")) == {2}


def test_interrupted(folder: Path) -> None:
    """130, one report of what was measured so far, and the trials are kept."""
    process = start(
        folder, "diagnose", "w.py", "--format", "json", "--budget", "40000steps", "--run-dir", "runs", "--fail-on", "never"
    )
    status, out, err = signalled(process, signal.SIGINT, lambda: len(executions(folder / "runs")) >= 8)
    assert status == 130, err
    report = json.loads(out)
    assert report["summary"].startswith("Interrupted")
    assert report["verdict"] in {"inconclusive", "unhealthy"}
    assert report["cost"]["trials"] == len(executions(folder / "runs")) >= 8
    assert report["stages"]["sweep_lr"]["trials"]
    assert "Traceback" not in err
    assert json.loads((folder / "runs" / "report.json").read_text()) == report
